/**
 * Sends a blob, or parts of it, by raw writes: one chunk is read while the one before leaves. Spec: 05-http §3, §5.
 * The open file, the stream's count and the buffers belong to one call of `send` and are given back when it ends, however
 * it ends. After the head, what goes wrong destroys the connection: a short body is the only honest sign left.
 */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import { type ByteGate, type Logger, messageOf, openGate, type Sha256, systemCodeOf } from '../core/index.ts';
import { type BlobAnswer, planBlobAnswer } from './blob-answer.ts';
import { BodyWriter } from './body-writer.ts';
import type { ByteSpan } from './byte-ranges.ts';
import { ChunkPool } from './chunk-pool.ts';
import { ServerError } from './errors.ts';
import { writeThrough } from './gated-write.ts';
import type { ServerLimits } from './limits.ts';
import type { HttpMetrics } from './metrics.ts';
import { notedBlob, type OnSending } from './noted-blob.ts';
import { takeTurn } from './pipeline-turn.ts';
import type { ServedBlob, ServedContent, UploadGate, Viewer } from './ports.ts';
import { contextOf } from './request-context.ts';
import { StreamGate } from './stream-gate.ts';
import type { UploadRoom, UploadRooms } from './upload-rooms.ts';

export interface BlobSenderOptions {
  readonly content: ServedContent;
  readonly limits: ServerLimits;
  readonly metrics: HttpMetrics;
  readonly logger: Logger;
  /** What the bytes have to pass; without it, nothing. */
  readonly uploadGate?: UploadGate | undefined;
  readonly onSending?: OnSending;
  /** Where several fetch a blob together, few are answered at once. */
  readonly rooms?: UploadRooms;
}

export interface BlobRequest {
  readonly sha256: Sha256;
  readonly headers?: OutgoingHttpHeaders;
  /** Called when the answer is ours to write: from here on nobody else may. */
  readonly takeOver: () => void;
  /** Read as a model and not as pieces: what this machine's own tools read so crosses no link. */
  readonly isWholeModel?: boolean;
}

/** What bytes have to pass, and what hears of them. */
interface UploadWay {
  readonly gate: ByteGate;
  readonly room: UploadRoom | undefined;
}

type Write = (bytes: Buffer) => Promise<void>;

export class BlobSender {
  readonly #options: BlobSenderOptions;
  readonly #gate: StreamGate;
  readonly #pool: ChunkPool;

  constructor(options: BlobSenderOptions) {
    this.#options = options;
    this.#gate = new StreamGate(options.limits);
    this.#pool = new ChunkPool(options.limits.chunkBytes, options.limits.pooledChunks);
  }

  /** Throws what the error answer is, before the head; never after. */
  async send(request: IncomingMessage, response: ServerResponse, wanted: BlobRequest): Promise<void> {
    const { viewer } = contextOf(request);
    await using scope = new AsyncDisposableStack();
    scope.defer(await takeTurn(request));
    scope.defer(this.#gate.enter(viewer, request.socket.remoteAddress ?? ''));
    const isRange = request.method === 'GET' && request.headers.range !== undefined;
    const room = isRange ? this.#options.rooms?.enter(viewer, wanted.sha256) : undefined;
    scope.defer(() => room?.[Symbol.dispose]());
    const blob = await this.#open(wanted.sha256, viewer);
    scope.defer(() => blob.close());
    const answer = planBlobAnswer({
      method: request.method === 'HEAD' ? 'HEAD' : 'GET',
      headers: request.headers,
      sha256: wanted.sha256,
      sizeBytes: blob.sizeBytes,
      holds: blob.holds?.bind(blob),
      maxRanges: this.#options.limits.rangesPerRequest,
      boundary: randomBytes(16).toString('hex'),
    });
    wanted.takeOver();
    response.writeHead(answer.status, { ...answer.headers, ...(answer.status === 304 ? {} : wanted.headers) });
    if (answer.segments.length === 0) return void response.end();
    const { onSending } = this.#options;
    const noted = onSending === undefined ? blob : notedBlob(blob, wanted.sha256, onSending);
    await this.#sendBody(request, response, noted, answer, { gate: this.#gateFor(wanted, viewer, blob), room });
  }

  #gateFor({ sha256, isWholeModel = false }: BlobRequest, viewer: Viewer, { sizeBytes }: ServedBlob): ByteGate {
    if (isWholeModel && viewer.kind === 'loopback') return openGate;
    return this.#options.uploadGate?.(viewer, sha256, sizeBytes) ?? openGate;
  }

  async #open(sha256: Sha256, viewer: Viewer): Promise<ServedBlob> {
    const { content } = this.#options;
    const open = viewer.kind !== 'stranger' || (await content.isPublicBlob(sha256));
    const blob = open ? await content.openBlob(sha256, viewer) : undefined;
    if (blob !== undefined) return blob;
    throw new ServerError('blob_not_found', 'Reading a blob: no such blob here, or not for whoever asks', {
      data: { sha256 },
    });
  }

  async #sendBody(
    request: IncomingMessage,
    response: ServerResponse,
    blob: ServedBlob,
    { segments }: BlobAnswer,
    { gate, room }: UploadWay,
  ): Promise<void> {
    const { metrics, logger } = this.#options;
    const writer = new BodyWriter(response);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const write = async (bytes: Buffer): Promise<void> => {
      await writeThrough(gate, writer, bytes, gone.signal);
      room?.sent(bytes.length);
    };
    metrics.blobStreams(1);
    try {
      for (const segment of segments) {
        if ('text' in segment) await writer.write(Buffer.from(segment.text, 'latin1'));
        else await this.#sendSpan(request, write, blob, segment.span);
      }
      response.end();
    } catch (thrown) {
      if (!response.destroyed) logger.warn({ code: systemCodeOf(thrown), why: messageOf(thrown) }, 'blob cut short');
      response.destroy();
    } finally {
      metrics.blobStreams(-1);
    }
  }

  async #sendSpan(request: IncomingMessage, write: Write, blob: ServedBlob, span: ByteSpan): Promise<void> {
    const context = contextOf(request);
    const buffers = [this.#pool.acquire(), this.#pool.acquire()] as const;
    let sending: Promise<void> = Promise.resolve();
    let turn = 0;
    for (let position = span.start; position < span.end; turn += 1) {
      const buffer = buffers[turn % 2] ?? buffers[0];
      const chunk = buffer.subarray(0, Math.min(buffer.length, span.end - position));
      await readExactly(blob, chunk, position);
      await sending;
      sending = write(chunk);
      // Awaited one turn later; a failure in between must not count as unhandled.
      sending.catch(() => {});
      position += chunk.length;
      context.sentBytes += chunk.length;
      this.#options.metrics.sent(context.viewer.kind, chunk.length);
    }
    await sending;
    // Not given back after a failure: a broken socket may still hold them.
    for (const buffer of buffers) this.#pool.release(buffer);
  }
}

async function readExactly(blob: ServedBlob, chunk: Buffer, position: number): Promise<void> {
  let filled = 0;
  while (filled < chunk.length) {
    const got = await blob.read(filled === 0 ? chunk : chunk.subarray(filled), position + filled);
    if (got === 0) throw new ServerError('content_gone', 'Sending a file: it is shorter than it was');
    filled += got;
  }
}
