/** How many chunks a file of knowledge has: lines that are not empty, where it is JSON Lines. Constant memory. */
import { open } from 'node:fs/promises';
import { messageOf } from '../../core/index.ts';
import { PackingError } from '../errors.ts';
import { PACKING_LIMITS } from '../limits.ts';

const LINE_FEED = 0x0a;
const BLANKS: ReadonlySet<number> = new Set([0x20, 0x09, 0x0d]);

/** 0 for what is no JSON Lines. Throws PackingError `folder_unreadable`. */
export async function countChunks(file: string): Promise<number> {
  if (!/\.(jsonl|ndjson)$/i.test(file)) return 0;
  const buffer = Buffer.allocUnsafe(PACKING_LIMITS.chunkBlockBytes);
  const counter = new LineCounter();
  try {
    await using handle = await open(file, 'r');
    for (;;) {
      const { bytesRead } = await handle.read(buffer, 0, buffer.length);
      if (bytesRead === 0) return counter.end();
      counter.add(buffer.subarray(0, bytesRead));
    }
  } catch (cause) {
    throw new PackingError('folder_unreadable', `Reading ${file}: ${messageOf(cause)}`, { cause });
  }
}

class LineCounter {
  #lines = 0;
  #isBlank = true;

  add(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const found = bytes.indexOf(LINE_FEED, at);
      const end = found === -1 ? bytes.length : found;
      this.#isBlank &&= bytes.subarray(at, end).every((byte) => BLANKS.has(byte));
      if (found !== -1) this.#endLine();
      at = end + 1;
    }
  }

  end(): number {
    this.#endLine();
    return this.#lines;
  }

  #endLine(): void {
    if (!this.#isBlank) this.#lines += 1;
    this.#isBlank = true;
  }
}
