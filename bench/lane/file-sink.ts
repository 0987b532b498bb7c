/** The least a sink can be: one file, no journal. */
import { close, open, read, rmSync, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import type { PieceSink } from '../../src/transfer/index.ts';

const openFile = promisify(open);
const closeFile = promisify(close);

export type WriteKind = 'later' | 'now' | 'never';

/** `later`: in the thread pool. `now`: on the event loop. `never`: not at all, to see what the disk costs. */
export async function openFileSink(path: string, kind: WriteKind): Promise<PieceSink<string>> {
  const fd = await openFile(path, 'w+');
  return {
    heldPieces: new Uint8Array(0),
    heldPiecesUnsure: false,
    write: { later: writeLater, now: writeNow, never: async () => {} }[kind],
    read: (buffer, position) =>
      new Promise((resolve, reject) =>
        read(fd, buffer, 0, buffer.length, position, (error, count) => (error ? reject(error) : resolve(count))),
      ),
    commitPiece: () => {},
    revokePiece: () => {},
    finish: async () => {
      await closeFile(fd);
      return path;
    },
    close: () => closeFile(fd),
    discard: async () => {
      await closeFile(fd);
      rmSync(path);
    },
  };

  async function writeNow(bytes: Uint8Array, position: number): Promise<void> {
    writeSync(fd, bytes, 0, bytes.length, position);
  }

  function writeLater(bytes: Uint8Array, position: number): Promise<void> {
    return new Promise((resolve, reject) =>
      write(fd, bytes, 0, bytes.length, position, (error, count) => {
        if (error) reject(error);
        else if (count === bytes.length) resolve();
        else writeLater(bytes.subarray(count), position + count).then(resolve, reject);
      }),
    );
  }
}
