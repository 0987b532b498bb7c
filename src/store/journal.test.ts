import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PieceRoot, Sha256 } from '../core/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import {
  decodeJournal,
  encodeEntry,
  encodeHeader,
  encodeJournal,
  headerCrcOf,
  type JournalEntryKind,
} from './journal.ts';
import type { PieceSet } from './piece-set.ts';
import type { BlobSpec } from './ports.ts';

interface JournalCase {
  readonly name: string;
  readonly boot_id: string;
  readonly journal_hex: string;
  readonly valid: boolean;
  readonly size_bytes?: number;
  readonly held?: number[];
  readonly unsure?: number[];
}

const spec: BlobSpec = {
  sha256: '11'.repeat(32) as Sha256,
  sizeBytes: 45,
  pieceBytes: 10,
  pieceRoot: '22'.repeat(32) as PieceRoot,
};

function toJournal(entries: readonly (readonly [JournalEntryKind, number])[], bootId = 'boot-1'): Buffer {
  const header = encodeHeader(spec, bootId);
  const body = entries.map(([kind, index], ordinal) => {
    const entry = Buffer.alloc(16);
    encodeEntry(entry, kind, index, ordinal, headerCrcOf(header));
    return entry;
  });
  return Buffer.concat([header, ...body]);
}

function listOf(set: PieceSet | undefined): number[] {
  return [...(set ?? [])];
}

describe('decodeJournal()', () => {
  it.each(vectorCases<JournalCase>('store', 'journal.json'))('%s', (_, one) => {
    const state = decodeJournal(Buffer.from(one.journal_hex, 'hex'), one.boot_id);
    expect(state !== undefined).toBe(one.valid);
    if (state === undefined) return;
    expect(state.spec.sizeBytes).toBe(one.size_bytes);
    expect(listOf(state.held)).toEqual(one.held);
    expect(listOf(state.unsure)).toEqual(one.unsure);
  });

  const kinds = fc.constantFrom('commit' as const, 'revoke' as const, 'doubt' as const);
  const entries = fc.array(fc.tuple(kinds, fc.nat(4)), { maxLength: 30 });

  it('never throws, whatever the bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => void decodeJournal(Buffer.from(bytes), 'b')));
  });

  it('a journal cut or damaged anywhere says what a prefix of it said', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.integer({ min: 1, max: 255 }), (list, at, flip) => {
        const bytes = toJournal(list);
        const position = 128 + (at % Math.max(1, bytes.length - 128));
        const entry = Math.floor((position - 128) / 16);
        const damaged = Buffer.from(bytes);
        if (position < damaged.length) damaged[position] = (damaged[position] ?? 0) ^ flip;
        const wanted = listOf(decodeJournal(toJournal(list.slice(0, entry)), 'boot-1')?.held);
        expect(listOf(decodeJournal(damaged, 'boot-1')?.held)).toEqual(wanted);
        expect(listOf(decodeJournal(bytes.subarray(0, position), 'boot-1')?.held)).toEqual(wanted);
      }),
    );
  });

  it('encodeJournal() writes the same state anew, in this boot and the next', () => {
    const withMarks = entries.map((list) => {
      const half = Math.floor(list.length / 2);
      return [...list.slice(0, half), ['mark', half] as const, ...list.slice(half)] as const;
    });
    fc.assert(
      fc.property(withMarks, fc.constantFrom('boot-1', 'boot-2'), (list, bootId) => {
        const state = decodeJournal(toJournal(list), bootId);
        if (state === undefined) throw new Error('no journal');
        for (const laterBoot of ['boot-1', 'boot-2', 'boot-3']) {
          const again = decodeJournal(encodeJournal(state, bootId).bytes, laterBoot);
          const direct = decodeJournal(toJournal(list), laterBoot);
          expect(listOf(again?.held)).toEqual(listOf(state.held));
          if (bootId === 'boot-1') expect(listOf(again?.unsure)).toEqual(listOf(direct?.unsure));
          else for (const piece of state.unsure) expect(again?.unsure.has(piece)).toBe(true);
        }
      }),
    );
  });
});
