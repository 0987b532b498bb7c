/** A part of a file as a file of its own, and the first bytes of one. */
import type { HeaderSource } from './header-source.ts';

/** Cut to what is there. */
export function sourceWindow(source: HeaderSource, from: number, byteCount: number): HeaderSource {
  const start = Math.min(Math.max(0, from), source.sizeBytes);
  const sizeBytes = Math.min(Math.max(0, byteCount), source.sizeBytes - start);
  return {
    sizeBytes,
    async read(buffer, position) {
      const room = buffer.subarray(0, Math.max(0, Math.min(buffer.length, sizeBytes - position)));
      return room.length === 0 ? 0 : await source.read(room, start + position);
    },
  };
}

export async function readHead(source: HeaderSource, byteCount: number, position = 0): Promise<Buffer> {
  const head = Buffer.alloc(Math.max(0, Math.min(byteCount, source.sizeBytes - position)));
  return head.length === 0 ? head : head.subarray(0, await source.read(head, position));
}
