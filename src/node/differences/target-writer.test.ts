import { randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { toPieceList } from '../../content/index.ts';
import { MiB } from '../../core/index.ts';
import { testBlob } from '../../testkit/hostile-http-server.ts';
import { type TargetPart, TargetWriter } from './target-writer.ts';

const { content, pieces } = testBlob(randomBytes(3 * MiB + 100));
const list = toPieceList(content.length, pieces);

/** A part that remembers what was done to it. */
function partWith(held: number, unsure = 0) {
  const written: [number, number][] = [];
  const committed: number[] = [];
  const part: TargetPart = {
    heldPieces: Uint8Array.of(held),
    unsurePieces: Uint8Array.of(unsure),
    write: async (bytes, position) => void written.push([position, position + bytes.length]),
    commitPiece: (index) => void committed.push(index),
  };
  return { part, written, committed };
}

async function writeAll(writer: TargetWriter, bytes: Buffer, step: number): Promise<void> {
  for (let at = 0; at < bytes.length; at += step) await writer.write(bytes.subarray(at, at + step), at);
}

describe('TargetWriter', () => {
  it.each([1000, MiB - 1, MiB, 3 * MiB])('commits each piece once it is whole, in writes of %i bytes', async (step) => {
    const { part, written, committed } = partWith(0);
    const writer = new TargetWriter(part, list);
    await writeAll(writer, content, step);
    expect(committed).toEqual([0, 1, 2, 3]);
    expect(writer.verifiedBytes).toBe(content.length);
    expect(written.reduce((sum, [start, end]) => sum + end - start, 0)).toBe(content.length);
  });

  it('does not write again what is held, and writes what is in doubt', async () => {
    const { part, written, committed } = partWith(0b1110_0000, 0b0100_0000);
    const writer = new TargetWriter(part, list);
    expect(writer.verifiedBytes).toBe(2 * MiB);
    await writeAll(writer, content, MiB);
    expect(committed).toEqual([1, 3]);
    expect(written).toEqual([
      [MiB, 2 * MiB],
      [3 * MiB, content.length],
    ]);
  });

  it('ends at the first wrong piece, and what was right before it stays', async () => {
    const wrong = Buffer.from(content);
    wrong[2 * MiB] = (wrong[2 * MiB] ?? 0) ^ 1;
    const { part, committed } = partWith(0);
    const writer = new TargetWriter(part, list);
    const ended = expect.objectContaining({ code: 'wrong_difference', data: { index: 2 } });
    await expect(writeAll(writer, wrong, MiB)).rejects.toEqual(ended);
    expect(committed).toEqual([0, 1]);
    expect(writer.verifiedBytes).toBe(2 * MiB);
  });

  it('finds a held piece that the difference makes otherwise', async () => {
    const wrong = Buffer.from(content);
    wrong[0] = (wrong[0] ?? 0) ^ 1;
    const { part, written } = partWith(0b1000_0000);
    const ended = expect.objectContaining({ code: 'wrong_difference' });
    await expect(writeAll(new TargetWriter(part, list), wrong, MiB)).rejects.toEqual(ended);
    expect(written).toEqual([]);
  });
});
