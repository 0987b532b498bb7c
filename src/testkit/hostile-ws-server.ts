/**
 * A WebSocket server on loopback that sends one blob as it is told: other implementations, and the peers nobody wants.
 * It knows the public messages and, unless told otherwise, ours; it has no code of the product's own sender.
 */
import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { TestBlob } from './hostile-http-server.ts';

export interface WsRequest {
  readonly request_id: string;
  readonly model_id: string;
  readonly target_node_id: string;
  readonly resume_from_byte: number;
  readonly end_byte?: number;
  readonly sha256?: string;
  readonly content?: string;
  readonly forms?: readonly string[];
}

/** What the client said, other than requests. */
export type WsWord = Readonly<Record<string, unknown>>;

export interface Sending {
  readonly request: WsRequest;
  readonly socket: WebSocket;
  /** The start as an honest sender would say it. */
  readonly start: Record<string, unknown>;
  /** Sends the chunk at this offset, or other bytes as that chunk. */
  sendChunk(offset: number, bytes?: Buffer): void;
  sendStart(change?: object): void;
  cancel(reason: string, more?: object): void;
  /** Everything that was asked for, a few chunks ahead of the acknowledgements. */
  sendAll(): void;
}

export type WsBehaviour = (sending: Sending) => void;

export interface HostileWsServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly WsRequest[];
  readonly words: readonly WsWord[];
  readonly openSockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

export interface HostileWsOptions {
  readonly behaviour?: WsBehaviour;
  /** Knows the public messages only: no end, no binary form, no piece list. */
  readonly isPublic?: boolean;
}

const WINDOW = 3;

export async function startHostileWsServer(blob: TestBlob, options: HostileWsOptions = {}): Promise<HostileWsServer> {
  const { behaviour = (sending) => sending.sendAll(), isPublic = false } = options;
  const requests: WsRequest[] = [];
  const words: WsWord[] = [];
  const openSockets = new Set<Socket>();
  const http = createServer();
  http.on('connection', (socket) => {
    openSockets.add(socket);
    socket.on('close', () => openSockets.delete(socket));
  });
  const server = new WebSocketServer({ server: http, path: '/mesh', perMessageDeflate: false });
  server.on('connection', (socket) => {
    const senders = new Map<string, Sender>();
    socket.on('error', () => {});
    socket.on('message', (data: Buffer, isBinary) => {
      const word = isBinary ? readAckFrame(data) : (JSON.parse(String(data)) as WsWord);
      if (word.type !== 'model_request') {
        words.push(word);
        senders.get(String(word.request_id))?.onWord(word);
        return;
      }
      const request = word as unknown as WsRequest;
      requests.push(request);
      const sender = new Sender(socket, request, blob, isPublic);
      senders.set(request.request_id, sender);
      behaviour(sender);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    for (const socket of openSockets) socket.destroy();
    server.close();
    await new Promise((resolve) => http.close(resolve));
  };
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  return { url, requests, words, openSockets, close, [Symbol.asyncDispose]: close };
}

class Sender implements Sending {
  readonly request: WsRequest;
  readonly socket: WebSocket;
  readonly start: Record<string, unknown>;
  readonly #content: Buffer;
  readonly #chunkBytes: number;
  readonly #isBinary: boolean;
  #next: number;
  readonly #end: number;
  #acknowledged = 0;
  #sent = 0;
  #isStopped = true;

  constructor(socket: WebSocket, request: WsRequest, blob: TestBlob, isPublic: boolean) {
    const isList = !isPublic && request.content === 'pieces';
    this.socket = socket;
    this.request = request;
    this.#content = isList ? blob.pieces : blob.content;
    this.#isBinary = !isPublic && (request.forms ?? []).includes('binary');
    this.#chunkBytes = this.#isBinary ? 262_144 : 65_536;
    this.#next = Math.floor(request.resume_from_byte / this.#chunkBytes) * this.#chunkBytes;
    const end = isPublic ? undefined : request.end_byte;
    this.#end = end ?? this.#content.length;
    const total_bytes = this.#content.length;
    this.start = {
      ...{ type: 'model_transfer_start', request_id: request.request_id, model_id: request.model_id, total_bytes },
      ...{ total_chunks: Math.ceil(total_bytes / this.#chunkBytes), chunk_size: this.#chunkBytes },
      ...{ sha256: blob.blob.sha256, metadata: { name: 'a model', type: 'llm', format: 'gguf' } },
      transfer_method: 'websocket_chunked',
      ...(this.#isBinary ? { form: 'binary' } : {}),
      ...(end === undefined ? {} : { resume_from_byte: request.resume_from_byte, end_byte: end }),
    };
  }

  sendStart(change: object = {}): void {
    this.socket.send(JSON.stringify({ ...this.start, ...change }));
  }

  sendChunk(offset: number, bytes = this.#content.subarray(offset, offset + this.#chunkBytes)): void {
    const { request_id, model_id } = this.request;
    if (this.#isBinary) {
      const head = Buffer.alloc(25, 1);
      head.write(request_id.replaceAll('-', ''), 1, 'hex');
      head.writeBigUInt64BE(BigInt(offset), 17);
      this.socket.send(Buffer.concat([head, bytes]));
      return;
    }
    const chunk_index = offset / this.#chunkBytes;
    const about = {
      type: 'model_transfer_chunk',
      request_id,
      model_id,
      chunk_index,
      total_chunks: this.start.total_chunks,
    };
    const chunk_sha256 = createHash('sha256').update(bytes).digest('hex');
    this.socket.send(JSON.stringify({ ...about, chunk_bytes: bytes.toString('base64'), chunk_sha256 }));
  }

  cancel(reason: string, more: object = {}): void {
    const { request_id, model_id } = this.request;
    const about = { type: 'model_transfer_cancel', request_id, model_id, reason, message: 'told to' };
    this.socket.send(JSON.stringify({ ...about, cancelled_by: 'server', ...more }));
  }

  sendAll(): void {
    this.sendStart();
    this.#isStopped = false;
    this.#fill();
  }

  onWord(word: WsWord): void {
    if (word.type === 'model_transfer_cancel') this.#isStopped = true;
    if (word.type === 'model_transfer_chunk_ack') this.#acknowledged += 1;
    if (word.type === 'ack frame') this.#acknowledged = this.#sent;
    this.#fill();
  }

  #fill(): void {
    while (!this.#isStopped && this.#next < this.#end && this.#sent - this.#acknowledged < WINDOW) {
      this.sendChunk(this.#next);
      this.#next += this.#chunkBytes;
      this.#sent += 1;
    }
  }
}

function readAckFrame(frame: Buffer): WsWord {
  const hex = frame.toString('hex', 1, 17);
  const parts = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)];
  return { type: 'ack frame', request_id: parts.join('-'), offset: Number(frame.readBigUInt64BE(17)) };
}
