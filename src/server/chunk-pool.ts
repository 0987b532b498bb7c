/** Read buffers that go from stream to stream, so that a gigabyte costs two of them and no garbage. */
export class ChunkPool {
  readonly #chunkBytes: number;
  readonly #mostIdle: number;
  readonly #idle: Buffer[] = [];

  constructor(chunkBytes: number, mostIdle: number) {
    this.#chunkBytes = chunkBytes;
    this.#mostIdle = mostIdle;
  }

  acquire(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(this.#chunkBytes);
  }

  /** Only for a buffer that no write holds any more. */
  release(buffer: Buffer): void {
    if (this.#idle.length < this.#mostIdle) this.#idle.push(buffer);
  }
}
