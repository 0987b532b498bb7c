import type { ReceiveBytes } from './ports.ts';

/** Exactly `sizeBytes` that `read` receives, in one buffer. */
export async function collectBytes(sizeBytes: number, read: (receive: ReceiveBytes) => Promise<void>): Promise<Buffer> {
  const all = Buffer.alloc(sizeBytes);
  let filled = 0;
  await read((bytes) => {
    filled += bytes.copy(all, filled);
  });
  return all;
}
