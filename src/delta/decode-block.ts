/** Makes a block of the target from its payload and the base's bytes, all in one slot. Spec: docs/spec/22-differences.md §2. */
import { type Layout, putBack } from './block-layout.ts';
import { badOperation, type Operation } from './operation.ts';
import type { SlotMemory } from './slot-memory.ts';
import { decompress, isDictionary } from './zstd.ts';

export type CompressedOperation = Operation & { readonly kind: Layout['kind'] | 'patch' };

/** Throws `bad_payload`, `bad_operation`. */
export function decodeBlock(memory: SlotMemory, slot: number, operation: CompressedOperation): void {
  const { kind, targetBytes, payloadBytes } = operation;
  const payload = memory.area(slot, 'payload', payloadBytes);
  const target = memory.area(slot, 'target');
  if (kind === 'patch') {
    const dictionary = memory.area(slot, 'window', operation.baseBytes);
    if (!isDictionary(dictionary)) throw badOperation('its dictionary is a trained one');
    target.set(decompress(payload, targetBytes, dictionary));
    return;
  }
  const laid = inWords(decompress(payload, targetBytes));
  putBack({ ...operation, kind }, targetBytes, laid, memory.area(slot, 'first'), target);
}

/** zlib's memory as it is where it begins at a whole word and ends with one. */
function inWords(bytes: Buffer): Uint8Array {
  const isWhole = bytes.byteOffset % 4 === 0 && bytes.byteOffset + bytes.length + 3 < bytes.buffer.byteLength;
  if (isWhole || (bytes.byteOffset % 4 === 0 && bytes.length % 4 === 0)) return bytes;
  const copy = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  copy.set(bytes);
  return copy;
}
