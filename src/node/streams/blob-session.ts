/** One blob stream, from its first question to its end: questions wait in a line, answers leave one after the other. */
import { type ByteGate, CoreError, type NodeId, openGate, type Sha256, systemCodeOf } from '../../core/index.ts';
import type { ByteStream } from '../../mesh/index.ts';
import {
  type BlobStreamErrorWord,
  type BlobStreamRequest,
  encodeBlobStreamFrame,
  encodeDifferenceAnswer,
  ProtocolError,
  parseBlobStreamRequest,
  SmallFrame,
} from '../../protocol/index.ts';
import type { OfferedHolding } from '../fetched-content.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { StreamedBlob, StreamedContent, StreamViewer } from './blob-streams.ts';
import type { FollowBook, Following } from './follow-book.ts';
import { HoldingTeller } from './holding-teller.ts';

export interface BlobSessionOptions {
  readonly content: StreamedContent;
  readonly viewer: StreamViewer;
  readonly stream: ByteStream;
  /** What a blob's bytes have to pass. */
  readonly gateFor: (sha256: Sha256, sizeBytes: number) => ByteGate;
  readonly follows: FollowBook;
  readonly onSent: (bytes: number) => void;
  /** Answers that there is no room now. */
  readonly isBusy: boolean;
}

interface Answer {
  /** Head and bytes, in one: each thing that is sent costs the engine a frame of its own. */
  readonly frame: Buffer;
  readonly byteCount: number;
  readonly gate: ByteGate;
}

type Having = Extract<BlobStreamRequest, { want: 'have' }>;
type Differing = Extract<BlobStreamRequest, { want: 'difference' }>;
type Ranged = Exclude<BlobStreamRequest, Having | Differing>;

export class BlobSession {
  readonly #options: BlobSessionOptions;
  readonly #frame = new SmallFrame();
  readonly #questions: BlobStreamRequest[] = [];
  readonly #ending = new AbortController();
  #wake: () => void = () => {};
  #isEnded = false;
  #isTelling = false;
  #failure: unknown;
  #gate: { readonly sha256: Sha256; readonly gate: ByteGate } | undefined;
  #blob: { readonly sha256: Sha256; readonly reader: StreamedBlob } | undefined;

  constructor(options: BlobSessionOptions) {
    this.#options = options;
  }

  /** Resolves when the peer has ended the stream. Throws for what it must not do, and when it is silent for too long. */
  async run(): Promise<void> {
    this.#options.stream.receive({ bytes: (chunk) => this.#onBytes(chunk), ended: (error) => this.#onEnd(error) });
    let sending: Promise<void> = Promise.resolve();
    for (let question = await this.#next(); question !== undefined; question = await this.#next()) {
      if (question.want === 'have') {
        await sending;
        return await this.#tell(question);
      }
      const answer = await this.#answer(question);
      // One part is read while the one before leaves.
      await sending;
      sending = this.#send(answer);
      sending.catch((error: unknown) => this.#onEnd(error));
    }
    await sending;
    if (this.#failure !== undefined) throw this.#failure;
  }

  async close(): Promise<void> {
    this.#ending.abort();
    const blob = this.#blob;
    this.#blob = undefined;
    await blob?.reader.close().catch(() => {});
  }

  #onBytes(chunk: Uint8Array): void {
    try {
      for (let rest = chunk; rest.length > 0 && !this.#isEnded; ) {
        const { used, value } = this.#frame.push(rest);
        rest = rest.subarray(used);
        if (value !== undefined) this.#questions.push(parseBlobStreamRequest(value));
      }
      if (this.#questions.length > NODE_LIMITS.blobQuestionsWaiting)
        throw new ProtocolError('too_large', 'Serving a blob stream: too many questions wait');
      this.#wake();
    } catch (thrown) {
      this.#onEnd(thrown);
    }
  }

  #onEnd(error: unknown): void {
    this.#isEnded = true;
    this.#failure ??= error;
    // Who has closed its side may still wait for answers; who broke off does not.
    if (error !== undefined) this.#questions.length = 0;
    if (error !== undefined || this.#isTelling) this.#ending.abort();
    this.#wake();
  }

  /** Undefined at the end. */
  async #next(): Promise<BlobStreamRequest | undefined> {
    if (this.#questions.length === 0 && !this.#isEnded) await this.#untilAsked();
    return this.#questions.shift();
  }

  async #untilAsked(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const silent = (): void => reject(new CoreError('timed_out', 'Serving a blob stream: nothing was asked for long'));
    const timer = setTimeout(silent, NODE_LIMITS.blobStreamIdleMs);
    await promise.finally(() => clearTimeout(timer));
  }

  /** The last question of a stream. */
  async #tell({ sha256, root }: Having): Promise<void> {
    const { viewer, isBusy, follows } = this.#options;
    if (isBusy) return await this.#send('busy');
    const opened = await this.#openHolding(sha256);
    if (opened === 'not_permitted') return await this.#send(opened);
    await using holding = opened;
    const isOther = root !== undefined && holding?.pieceRoot !== undefined && holding.pieceRoot !== root;
    if (holding === undefined || isOther) return await this.#send('not_held');
    let teller: HoldingTeller | undefined;
    const following = enterBook(follows, holding, viewer.nodeId, () => teller?.changed());
    if (following === undefined) return await this.#send('busy');
    using stack = new DisposableStack();
    stack.use(following);
    this.#isTelling = true;
    if (this.#isEnded) return;
    await this.#write(encodeBlobStreamFrame({ follow: true }));
    teller = new HoldingTeller(holding, following, (frame) => this.#write(frame));
    await teller.tell(this.#ending.signal);
  }

  async #answer(question: Ranged | Differing): Promise<Answer | BlobStreamErrorWord> {
    if (this.#options.isBusy) return 'busy';
    try {
      if (question.want === 'difference') return await this.#tellDifference(question);
      return question.want === 'pieces' ? await this.#readPieces(question) : await this.#readBytes(question);
    } catch (thrown) {
      await this.#forgetBlob();
      const code = systemCodeOf(thrown);
      return code === 'not_held_yet' || code === 'not_permitted' ? code : 'not_held';
    }
  }

  async #openHolding(sha256: Sha256): Promise<OfferedHolding | undefined | 'not_permitted'> {
    try {
      return await this.#options.content.openHolding?.(sha256, this.#options.viewer);
    } catch (thrown) {
      if (systemCodeOf(thrown) === 'not_permitted') return 'not_permitted';
      throw thrown;
    }
  }

  async #readPieces({ sha256, start, end, root }: Ranged): Promise<Answer | BlobStreamErrorWord> {
    const hashes = await this.#options.content.pieceHashes(sha256, this.#options.viewer, root);
    if (hashes === undefined) return 'not_held';
    if (end > hashes.length) return 'bad_request';
    const { frame, bytes } = emptyAnswer(hashes.length, end - start);
    bytes.set(hashes.subarray(start, end));
    return { frame, byteCount: bytes.length, gate: openGate };
  }

  async #tellDifference({ sha256, bases, made = false }: Differing): Promise<Answer | BlobStreamErrorWord> {
    const { content, viewer } = this.#options;
    const answer = await content.difference?.(sha256, { bases, madeOnly: made }, viewer);
    if (answer === undefined) return 'not_held';
    const encoded = encodeDifferenceAnswer(answer);
    const { frame, bytes } = emptyAnswer(encoded.length, encoded.length);
    bytes.set(encoded);
    return { frame, byteCount: bytes.length, gate: openGate };
  }

  async #readBytes({ sha256, start, end }: Ranged): Promise<Answer | BlobStreamErrorWord> {
    const blob = await this.#open(sha256);
    if (blob === undefined) return 'not_held';
    if (end > blob.sizeBytes) return 'bad_request';
    const { frame, bytes } = emptyAnswer(blob.sizeBytes, end - start);
    this.#options.follows.noteSending(sha256, start, end);
    for (let filled = 0; filled < bytes.length; ) {
      const got = await blob.read(bytes.subarray(filled), start + filled);
      if (got === 0) return 'not_held';
      filled += got;
    }
    return { frame, byteCount: bytes.length, gate: this.#gateOf(sha256, blob.sizeBytes) };
  }

  #gateOf(sha256: Sha256, sizeBytes: number): ByteGate {
    if (this.#gate?.sha256 !== sha256) this.#gate = { sha256, gate: this.#options.gateFor(sha256, sizeBytes) };
    return this.#gate.gate;
  }

  async #open(sha256: Sha256): Promise<StreamedBlob | undefined> {
    if (this.#blob?.sha256 === sha256) return this.#blob.reader;
    await this.#forgetBlob();
    const reader = await this.#options.content.openBlob(sha256, this.#options.viewer);
    if (reader !== undefined) this.#blob = { sha256, reader };
    return reader;
  }

  /** A part may have become a blob, or gone: the next question opens it anew. */
  async #forgetBlob(): Promise<void> {
    const blob = this.#blob;
    this.#blob = undefined;
    await blob?.reader.close();
  }

  async #send(answer: Answer | BlobStreamErrorWord): Promise<void> {
    if (typeof answer === 'string') {
      const wait = answer === 'busy' ? { retry_after_s: 1 } : {};
      await this.#write(encodeBlobStreamFrame({ error: answer, ...wait }));
      if (answer === 'bad_request') throw new ProtocolError('malformed', 'Serving a blob stream: a range outside');
      return;
    }
    const { frame, byteCount, gate } = answer;
    await gate.take(byteCount, this.#ending.signal);
    await this.#write(frame);
    this.#options.onSent(byteCount);
  }

  /** A reader that takes nothing for long is cut off. */
  async #write(bytes: Buffer): Promise<void> {
    const sent = this.#options.stream.send(bytes);
    if (sent === undefined) return;
    const { promise, reject } = Promise.withResolvers<never>();
    const stalled = (): void => reject(new CoreError('timed_out', 'Serving a blob stream: nothing was taken for long'));
    const timer = setTimeout(stalled, NODE_LIMITS.blobStreamStalledMs);
    await Promise.race([sent, promise]).finally(() => clearTimeout(timer));
  }
}

/** Undefined where there is no room for one more follower. */
function enterBook(
  book: FollowBook,
  { sha256, sizeBytes, pieceBytes }: OfferedHolding,
  nodeId: NodeId,
  onChange: () => void,
): Following | undefined {
  try {
    return book.follow({ sha256, sizeBytes, pieceBytes, nodeId, account: nodeId, onChange });
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'too_many_streams') return undefined;
    throw thrown;
  }
}

/** With room for its bytes. Fresh each time: the mesh keeps what it sends until it has left. */
function emptyAnswer(size: number, length: number): { readonly frame: Buffer; readonly bytes: Buffer } {
  const head = encodeBlobStreamFrame({ size, length });
  const frame = Buffer.allocUnsafeSlow(head.length + length);
  head.copy(frame);
  return { frame, bytes: frame.subarray(head.length) };
}
