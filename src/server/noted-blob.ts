/** A blob of which each read is told before it happens: it is read to be sent. Spec: docs/spec/10-transfer.md §8. */
import type { Sha256 } from '../core/index.ts';
import type { ServedBlob } from './ports.ts';

/** Bytes [start, end) of a blob are about to be sent to somebody. */
export type OnSending = (sha256: Sha256, start: number, end: number) => void;

export function notedBlob(blob: ServedBlob, sha256: Sha256, onSending: OnSending): ServedBlob {
  const read = (buffer: Buffer, position: number): Promise<number> => {
    onSending(sha256, position, position + buffer.length);
    return blob.read(buffer, position);
  };
  return { sizeBytes: blob.sizeBytes, read, close: () => blob.close() };
}
