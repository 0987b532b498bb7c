/** Makes a block of the target from its payload and the base's bytes, all in one slot. Spec: docs/spec/22-differences.md §2. */
import { type Layout, putBack } from './block-layout.ts';
import { badOperation, type Operation } from './operation.ts';
import type { SlotMemory } from './slot-memory.ts';
import { decompress, decompressUpTo, isDictionary } from './zstd.ts';

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
  const laid = inWords(kind === 'sparse' ? decompressUpTo(payload, targetBytes) : decompress(payload, targetBytes));
  putBack({ ...operation, kind }, targetBytes, laid, memory.area(slot, 'first'), target);
}

/** zlib's memory as it is where it begins at a whole word and has the last one whole. */
function inWords(bytes: Buffer): Uint8Array {
  const hasLastWord = bytes.byteOffset + Math.ceil(bytes.length / 4) * 4 <= bytes.buffer.byteLength;
  if (bytes.byteOffset % 4 === 0 && hasLastWord) return bytes;
  const copy = new Uint8Array(Math.ceil(bytes.length / 4) * 4);
  copy.set(bytes);
  return copy.subarray(0, bytes.length);
}
