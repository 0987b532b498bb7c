/** A piece sink in memory that remembers what was done to it, shaped like the store's writer. */
export class MemoryPieceSink {
  readonly heldPieces: Uint8Array;
  readonly heldPiecesUnsure: boolean;
  readonly bytes: Buffer;
  readonly committed: number[] = [];
  readonly revoked: number[] = [];
  state: 'open' | 'finished' | 'closed' | 'discarded' = 'open';
  /** Thrown by every write while set. */
  writeError: Error | undefined;

  constructor(
    sizeBytes: number,
    held: { readonly pieces?: Uint8Array; readonly bytes?: Buffer; readonly unsure?: boolean } = {},
  ) {
    this.bytes = held.bytes ?? Buffer.alloc(sizeBytes);
    this.heldPieces = held.pieces ?? new Uint8Array(0);
    this.heldPiecesUnsure = held.unsure ?? false;
  }

  /** Copies a turn later, as a disk would: who reuses the buffer too early is found out. */
  async write(bytes: Uint8Array, position: number): Promise<void> {
    if (this.state !== 'open') throw new Error(`write on a sink that is ${this.state}`);
    await new Promise((resolve) => setImmediate(resolve));
    if (this.writeError !== undefined) throw this.writeError;
    this.bytes.set(bytes, position);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    return this.bytes.copy(buffer, 0, position);
  }

  commitPiece(index: number): void {
    this.committed.push(index);
  }

  revokePiece(index: number): void {
    this.revoked.push(index);
  }

  async finish(): Promise<string> {
    this.state = 'finished';
    return 'finished';
  }

  async close(): Promise<void> {
    this.state = 'closed';
  }

  async discard(): Promise<void> {
    this.state = 'discarded';
  }
}
