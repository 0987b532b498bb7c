/**
 * What a source holds and says that it holds (docs/spec/10-transfer.md §8): everything, or a part that grows by a piece with
 * each request; told truly, or not.
 */
import type { Socket } from 'node:net';
import { pieceLayout } from '../src/content/index.ts';
import { encodeHaveFrame, type HaveFrame } from '../src/protocol/index.ts';
import type { Behaviour } from '../src/testkit/hostile-http-server.ts';
import type { SourcePlan } from './scenario.ts';

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n';
const NOT_YET = 'HTTP/1.1 416 Range Not Satisfiable\r\nProblem-Code: not_held_yet\r\nContent-Length: 0\r\n\r\n';

export class Holding {
  readonly #news: SourcePlan['news'];
  readonly #pieceBytes: number;
  readonly #pieceCount: number;
  readonly #followers = new Set<Socket>();
  /** Pieces held, from the lowest on. */
  #held: number;

  /** `served`: requests that were answered in the lives before. */
  constructor({ news }: SourcePlan, sizeBytes: number, served: number) {
    const { pieceCount, pieceBytes } = pieceLayout(sizeBytes);
    this.#news = news;
    this.#pieceBytes = pieceBytes;
    this.#pieceCount = pieceCount;
    const begins = isPart(news) ? Math.floor(pieceCount * news.share) : pieceCount;
    this.#held = Math.min(pieceCount, begins + served);
  }

  /** Undefined: it has no such route. */
  get onHave(): ((socket: Socket) => void) | undefined {
    return this.#news.how === 'none' ? undefined : (socket) => this.#tell(socket);
  }

  /** Asks for more than is held are answered "not yet", before the script is asked. */
  guarded(behaviour: Behaviour): Behaviour {
    if (!isPart(this.#news)) return behaviour;
    return (request, socket, blob) => {
      if (request.end > this.#held * this.#pieceBytes && this.#held < this.#pieceCount) socket.write(NOT_YET);
      else behaviour(request, socket, blob);
      this.#gain();
    };
  }

  #gain(): void {
    if (this.#held >= this.#pieceCount) return;
    const frame = encodeHaveFrame({ type: 'gained', indexes: [this.#held] });
    this.#held += 1;
    for (const socket of this.#followers) socket.write(frame);
  }

  #tell(socket: Socket): void {
    const { how } = this.#news;
    if (how === 'mute') return;
    socket.write(HEAD);
    if (how === 'garbage') socket.write(Buffer.alloc(64, 0x9d));
    else if (how === 'bad_index') socket.write(frames(this.#state(), { type: 'gained', indexes: [this.#pieceCount] }));
    else if (how === 'flood') flood(socket, frames(this.#state(), { type: 'others', count: 3 }));
    else if (how === 'ends') socket.end(frames(this.#state()));
    else this.#follow(socket);
  }

  #follow(socket: Socket): void {
    socket.write(frames(this.#state(), { type: 'others', count: 1 }));
    if (this.#news.how !== 'partial') return;
    this.#followers.add(socket);
    socket.once('close', () => this.#followers.delete(socket));
  }

  #state(): HaveFrame {
    if (this.#news.how !== 'partial') return { type: 'holds_all' };
    const bits = new Uint8Array(Math.ceil(this.#pieceCount / 8));
    for (let index = 0; index < this.#held; index += 1)
      bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
    return { type: 'holds', bits };
  }
}

function isPart({ how }: SourcePlan['news']): boolean {
  return how === 'partial' || how === 'claims_all';
}

function frames(...all: readonly HaveFrame[]): Buffer {
  return Buffer.concat(all.map(encodeHaveFrame));
}

function flood(socket: Socket, chunk: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}
