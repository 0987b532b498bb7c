import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { bufferSource, type HeaderSource } from './header-source.ts';
import { inspectModelFile } from './inspect-model-file.ts';
import { FORMATS_LIMITS } from './limits.ts';
import type { PickleImport } from './pickle-report.ts';

interface InspectCase {
  readonly name: string;
  readonly file_name: string;
  readonly hex: string;
  readonly kind?: string;
  readonly safe?: boolean;
  readonly reason?: string;
  readonly imports?: readonly PickleImport[];
  readonly has?: readonly PickleImport[];
  readonly pickles?: number;
  readonly whole?: boolean;
}

const CASES = vectorCases<InspectCase>('formats', 'inspect.json');

test.each(CASES)('inspectModelFile() judges %s', async (_, one) => {
  const seen = await inspectModelFile(bufferSource(Buffer.from(one.hex, 'hex')), one.file_name);
  const told = JSON.stringify(seen);
  expect(seen.isSafe, told).toBe(one.safe ?? false);
  if (one.kind !== undefined) expect(seen.kind).toBe(one.kind);
  if (one.reason !== undefined) expect(seen.reasons.map(({ code }) => code)).toContain(one.reason);
  if (one.imports !== undefined) expect(seen.pickle.imports, told).toEqual(one.imports);
  for (const wanted of one.has ?? []) expect(seen.pickle.imports).toContainEqual(wanted);
  if (one.pickles !== undefined) expect(seen.pickle.pickles).toBe(one.pickles);
  if (one.whole !== undefined) expect(seen.pickle.faults.length === 0, told).toBe(one.whole);
});

/** Refuses what no reader may do: read outside the file. */
function strictSource(bytes: Buffer): HeaderSource {
  const inner = bufferSource(bytes);
  return {
    sizeBytes: bytes.length,
    read: async (buffer, position) => {
      expect(Number.isSafeInteger(position) && position >= 0 && position + buffer.length <= bytes.length).toBe(true);
      return await inner.read(buffer, position);
    },
  };
}

test('inspectModelFile() answers every changed, cut or lengthened file, within it, and calls no pickle safe', async () => {
  const changed = fc.record({
    one: fc.constantFrom(...CASES.map(([, one]) => one).filter(({ hex }) => hex !== '')),
    edits: fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { maxLength: 6 }),
    keep: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    tail: fc.uint8Array({ maxLength: 40 }),
  });
  await fc.assert(
    fc.asyncProperty(changed, async ({ one, edits, keep, tail }) => {
      const bytes = Buffer.from(one.hex, 'hex');
      for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
      const file = Buffer.concat([bytes.subarray(0, bytes.length * keep), tail]);
      const seen = await inspectModelFile(strictSource(file), one.file_name);
      if (seen.isSafe) expect(seen.pickle.imports).toEqual([]);
      else expect(seen.reasons.length).toBeGreaterThan(0);
    }),
    { numRuns: 800 },
  );
});

test('a file that unpacks to more than the bound is told as not listed whole, and unpacked no further', async () => {
  const call = Buffer.from("cos\nsystem\n(S'true'\ntR", 'latin1');
  const bomb = deflateSync(Buffer.concat([call, Buffer.alloc(FORMATS_LIMITS.inflatedBytes, 0x4e)]), { level: 1 });
  const { isSafe, pickle } = await inspectModelFile(bufferSource(bomb), 'bomb.joblib');
  expect(isSafe).toBe(false);
  expect(pickle.imports).toMatchObject([{ module: 'os', name: 'system', called: true }]);
  expect(pickle.faults.join()).toContain(`more than ${FORMATS_LIMITS.inflatedBytes} bytes`);
});

test('a stack that only grows ends the listing at its bound', async () => {
  const endless = Buffer.alloc(FORMATS_LIMITS.pickleStack + 10, 0x4e);
  const { pickle } = await inspectModelFile(bufferSource(endless), 'deep.pkl');
  expect(pickle.faults.join()).toContain(`${FORMATS_LIMITS.pickleStack} values`);
});

test('errors of the disk are passed on', async () => {
  const broken: HeaderSource = { sizeBytes: 1000, read: () => Promise.reject(new Error('EIO')) };
  await expect(inspectModelFile(broken, 'm.pkl')).rejects.toThrow('EIO');
});

test('the data of an ONNX model beside it is bytes without a form, unless it is something else too', async () => {
  const data = Buffer.from(Array.from({ length: 300 }, (_, index) => (index * 37 + 11) % 256));
  const options = { isTensorData: true };
  expect((await inspectModelFile(bufferSource(data), 'weights.data', options)).isSafe).toBe(true);
  const zip = Buffer.from(CASES.find(([, { name }]) => name === 'torch')?.[1].hex ?? '', 'hex');
  expect((await inspectModelFile(bufferSource(Buffer.concat([data, zip])), 'weights.data', options)).isSafe).toBe(
    false,
  );
});
