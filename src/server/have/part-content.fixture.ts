/** Content of which one blob is still coming, piece by piece. Not shipped. */
import { createHash } from 'node:crypto';
import { Emitter, type Sha256 } from '../../core/index.ts';
import { FileContent } from '../http-edge.fixture.ts';
import type { ServedBlob, ServedContent, ServedHolding } from '../ports.ts';
import { hasBit, setBit } from './piece-bits.ts';

export const PIECE = 1000;

export class PartContent extends FileContent implements ServedContent {
  readonly bytes: Buffer;
  readonly sha256: Sha256;
  readonly pieceRoot = 'ab'.repeat(32);
  readonly changes = new Emitter<void>();
  held: 'all' | Uint8Array | undefined;
  openHoldings = 0;

  constructor(folder: string, bytes: Buffer) {
    super(folder);
    this.bytes = bytes;
    this.sha256 = createHash('sha256').update(bytes).digest('hex') as Sha256;
    this.held = new Uint8Array(Math.ceil(bytes.length / PIECE / 8));
  }

  become(held: PartContent['held']): void {
    this.held = held;
    this.changes.emit();
  }

  commit(...indexes: number[]): void {
    const { held } = this;
    if (held === 'all' || held === undefined) throw new Error('no part');
    for (const index of indexes) setBit(held, index);
    this.changes.emit();
  }

  override async openBlob(sha256: Sha256): Promise<ServedBlob | undefined> {
    if (sha256 !== this.sha256 || this.held === undefined) return super.openBlob(sha256);
    const holds = (start: number, end: number): boolean => this.#holds(start, end);
    return {
      sizeBytes: this.bytes.length,
      read: async (buffer, position) => this.bytes.copy(buffer, 0, position),
      ...(this.held === 'all' ? {} : { holds }),
      close: async () => {},
    };
  }

  async openHolding(sha256: Sha256): Promise<ServedHolding | undefined> {
    if (sha256 !== this.sha256 || this.held === undefined) return undefined;
    this.openHoldings += 1;
    const { pieceRoot } = this;
    return {
      ...{ sha256, pieceRoot, sizeBytes: this.bytes.length, pieceBytes: PIECE },
      held: () => (this.held === 'all' ? 'all' : this.held?.slice()),
      onChange: (listener) => this.changes.on(listener),
      [Symbol.asyncDispose]: async () => {
        this.openHoldings -= 1;
      },
    };
  }

  #holds(start: number, end: number): boolean {
    for (let index = Math.floor(start / PIECE); index * PIECE < end; index += 1)
      if (this.held === undefined || (this.held !== 'all' && !hasBit(this.held, index))) return false;
    return true;
  }
}
