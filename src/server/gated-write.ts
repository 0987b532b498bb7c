/** Writes at the rate somebody decided. What no gate holds back is one write. Spec: docs/spec/10-transfer.md §11. */
import type { ByteGate } from '../core/index.ts';
import type { BodyWriter } from './body-writer.ts';

/** Slice by slice, so that the bytes leave evenly and not in bursts that fill the link's queue. */
export async function writeThrough(
  gate: ByteGate,
  writer: BodyWriter,
  bytes: Buffer,
  signal: AbortSignal,
): Promise<void> {
  for (let at = 0; at < bytes.length; ) {
    const slice = bytes.subarray(at, at + (gate.sliceBytes ?? bytes.length));
    const passing = gate.take(slice.length, signal);
    if (passing !== undefined) await passing;
    await writer.write(slice);
    at += slice.length;
  }
}
