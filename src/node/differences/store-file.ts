/** A file whose name and pieces are known becomes a blob of the store. */
import type { FileHandle } from 'node:fs/promises';
import { pieceLayout, pieceRange } from '../../content/index.ts';
import { type BlobStore, StoreError } from '../../store/index.ts';
import type { NamedBytes } from './hash-file.ts';

/** Nothing happens to one that is there. Throws StoreError. */
export async function storeFile(
  store: BlobStore,
  file: FileHandle,
  named: NamedBytes,
  signal: AbortSignal,
): Promise<void> {
  const { sha256, sizeBytes, pieces } = named;
  if ((await store.stat(sha256)) !== undefined) return;
  const layout = pieceLayout(sizeBytes);
  try {
    await using writer = await store.openWrite({ sha256, ...layout, pieceRoot: pieces.root });
    const block = Buffer.alloc(Math.min(layout.pieceBytes, sizeBytes));
    for (let index = 0; index < layout.pieceCount; index += 1) {
      signal.throwIfAborted();
      const { start, end } = pieceRange(layout, index);
      const bytes = block.subarray(0, end - start);
      await readFully(file, bytes, start);
      await writer.write(bytes, start);
      writer.commitPiece(index);
    }
    await writer.finish();
  } catch (thrown) {
    if (!(thrown instanceof StoreError) || thrown.code !== 'blob_exists') throw thrown;
  }
}

async function readFully(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let filled = 0; filled < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, position + filled);
    if (bytesRead === 0) throw new Error(`Reading a difference again: it ends at ${position + filled}`);
    filled += bytesRead;
  }
}
