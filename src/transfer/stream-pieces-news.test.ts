import { afterEach, describe, expect, it } from 'vitest';
import { nextTurn } from '../testkit/eventually.ts';
import type { ByteStream } from './byte-stream.ts';
import type { StreamQuestion } from './stream-pieces-news.ts';
import { followStream } from './stream-pieces-news.ts';

const question = { sha256: 'a'.repeat(64), root: 'b'.repeat(64), pieceCount: 1 } as StreamQuestion;

/** As a stream of the mesh that broke before it was used: to send fails, and the end is told a turn later. */
class BrokenStream implements ByteStream {
  wasAborted = false;
  readonly #send: () => Promise<void>;

  constructor(send: () => Promise<void>) {
    this.#send = send;
  }

  send(): Promise<void> {
    return this.#send();
  }

  receive({ ended }: Parameters<ByteStream['receive']>[0]): void {
    setImmediate(ended, new Error('it is over'));
  }

  async close(): Promise<void> {}

  abort(): void {
    this.wasAborted = true;
  }
}

describe('followStream()', () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown): void => void unhandled.push(reason);

  afterEach(() => {
    process.off('unhandledRejection', note);
    unhandled.length = 0;
  });

  it.each([
    ['the question cannot be sent', () => Promise.reject(new Error('over'))],
    ['the question waits for room', () => new Promise<void>(() => {})],
  ])('fails once, and leaves no error to nobody, when %s and the stream ends', async (_what, send) => {
    process.on('unhandledRejection', note);
    const stream = new BrokenStream(send);
    const following = followStream(stream, question, () => {}, new AbortController().signal);
    await expect(following).rejects.toMatchObject({ code: 'peer_unreachable' });
    for (let turn = 0; turn < 5; turn += 1) await nextTurn();
    expect(stream.wasAborted).toBe(true);
    expect(unhandled).toEqual([]);
  });
});
