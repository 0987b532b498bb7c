/** The two ends of a stream in memory. What is sent arrives after it has travelled, in order; the end does too. */
import { MeshError } from './errors.ts';
import type { ByteReceiver, ByteStream } from './transport.ts';

type Travel = (bytes: number) => Promise<void>;

export class MemoryByteStream implements ByteStream {
  readonly #travel: Travel;
  readonly #onOver: (() => void)[] = [];
  #other: MemoryByteStream | undefined;
  #receiver: ByteReceiver | undefined;
  #early: Uint8Array[] = [];
  #end: { readonly error: Error | undefined } | undefined;
  #isClosed = false;
  #isOver = false;

  private constructor(travel: Travel) {
    this.#travel = travel;
  }

  static pair(travel: Travel): [MemoryByteStream, MemoryByteStream] {
    const [one, other] = [new MemoryByteStream(travel), new MemoryByteStream(travel)];
    one.#other = other;
    other.#other = one;
    return [one, other];
  }

  onOver(listener: () => void): void {
    this.#onOver.push(listener);
  }

  async send(bytes: Uint8Array): Promise<void> {
    if (this.#isClosed || this.#isOver) throw over();
    await this.#travel(bytes.length);
    if (this.#isOver) throw over();
    this.#other?.arrive(bytes);
  }

  receive(receiver: ByteReceiver): void {
    this.#receiver = receiver;
    for (const chunk of this.#early.splice(0)) receiver.bytes(chunk);
    if (this.#end !== undefined) receiver.ended(this.#end.error);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#travel(0);
    this.#other?.finish(undefined);
  }

  abort(reason: Error): void {
    if (this.#isOver) return;
    this.end();
    this.finish(reason);
    this.#other?.end();
    void this.#travel(0).then(() => this.#other?.finish(new MeshError('request_failed', 'A stream was reset')));
  }

  /** Nothing can be sent any more. */
  end(): void {
    this.#isOver = true;
    for (const listener of this.#onOver.splice(0)) listener();
  }

  /** From the other end. */
  arrive(bytes: Uint8Array): void {
    if (this.#end !== undefined) return;
    if (this.#receiver === undefined) this.#early.push(bytes);
    else this.#receiver.bytes(bytes);
  }

  /** The other end has said all, or is gone. */
  finish(error: Error | undefined): void {
    if (this.#end !== undefined) return;
    this.#end = { error };
    this.#receiver?.ended(error);
    if (this.#isClosed) this.end();
  }
}

function over(): MeshError {
  return new MeshError('request_failed', 'Sending on a stream: it is over');
}
