/**
 * Pieces over a WebSocket, straight from a peer or through a relay, which then can read them but not change them unnoticed:
 * where nothing else reaches, and the user named the relay. Spec: docs/spec/14-websocket.md §5, §6.
 */
import { type Clock, type ModelId, type NodeId, systemClock } from '../core/index.ts';
import { collectBytes } from './collect-bytes.ts';
import { TransferError } from './errors.ts';
import type { BlobToGet, Lane, PieceSource, TlsCredentials } from './ports.ts';
import { openWebSocket, type WsTarget } from './ws-connection.ts';
import { WsLane, type WsLaneOptions } from './ws-lane.ts';

export interface WsPieceSourceOptions {
  readonly id: string;
  readonly nodeId?: NodeId;
  /** Base URL of the node or relay that is connected to, `http(s)://` or `ws(s)://`; the path `/mesh` is added. */
  readonly baseUrl: string;
  readonly blob: BlobToGet;
  /** Who has it, behind a relay; none when it is the one that is connected to. */
  readonly target?: NodeId;
  /** How this node calls itself; a relay puts in what it verified. */
  readonly requester?: NodeId;
  /** Needed by peers of other make, for whom the digest is no name. */
  readonly modelId?: ModelId;
  /** `public`: nothing but the public messages is said, whole models of one file only, and there is no piece list. */
  readonly speaks?: 'ours' | 'public';
  /** `json` does without the binary form. */
  readonly form?: 'binary' | 'json';
  /** Needed for https and wss. */
  readonly tls?: TlsCredentials;
  /** The Authorization field's value, asked anew for every lane. */
  readonly authorization?: () => string | undefined;
  readonly tier?: 0 | 1 | 2;
  readonly lanes?: number;
  readonly expectedRate?: number;
  readonly clock?: Clock;
}

export class WsPieceSource implements PieceSource {
  readonly id: string;
  readonly nodeId?: NodeId;
  readonly tier: 0 | 1 | 2;
  readonly lanes?: number;
  readonly expectedRate?: number;
  readonly pieceHashes?: (sizeBytes: number, signal: AbortSignal) => Promise<Buffer>;
  readonly #options: WsPieceSourceOptions;
  readonly #target: Omit<WsTarget, 'authorization'>;

  /** Throws TransferError `refused` for a URL that is none of these, or TLS without credentials. */
  constructor(options: WsPieceSourceOptions) {
    const { id, nodeId, tier = 1, lanes, expectedRate, speaks } = options;
    this.id = id;
    this.tier = tier;
    if (nodeId !== undefined) this.nodeId = nodeId;
    if (lanes !== undefined) this.lanes = lanes;
    if (expectedRate !== undefined) this.expectedRate = expectedRate;
    if (speaks !== 'public') this.pieceHashes = (sizeBytes, signal) => this.#pieceHashes(sizeBytes, signal);
    this.#options = options;
    this.#target = toTarget(options);
  }

  /** A relay is there although the peer behind it is not: nothing is asked for, to see whether an answer comes. */
  async openLane(signal: AbortSignal): Promise<Lane> {
    const { blob, target, speaks } = this.#options;
    const lane = await this.#open(blob.sizeBytes, 'blob', signal);
    if (target === undefined || speaks === 'public') return lane;
    try {
      await lane.read({ start: 0, end: 0 }, () => {}, signal);
      return lane;
    } catch (thrown) {
      lane.close();
      throw thrown;
    }
  }

  async #pieceHashes(sizeBytes: number, signal: AbortSignal): Promise<Buffer> {
    const lane = await this.#open(sizeBytes, 'pieces', signal);
    try {
      return await collectBytes(sizeBytes, (receive) => lane.read({ start: 0, end: sizeBytes }, receive, signal));
    } finally {
      lane.close();
    }
  }

  async #open(sizeBytes: number, content: 'blob' | 'pieces', signal: AbortSignal): Promise<Lane> {
    const { blob, modelId, target = '', requester = '', clock = systemClock, authorization } = this.#options;
    const { sha256 } = blob;
    const socket = await openWebSocket({ ...this.#target, authorization: authorization?.() }, signal);
    const names = { target, requester, modelId: modelId ?? (sha256 as string as ModelId) };
    return new WsLane(socket, { wanted: { sha256, sizeBytes }, ...names, clock, more: this.#moreOf(content) });
  }

  #moreOf(content: 'blob' | 'pieces'): WsLaneOptions['more'] {
    const { speaks, form, blob } = this.#options;
    if (speaks === 'public') return {};
    const forms = form === 'json' ? {} : { forms: ['binary'] };
    return { sha256: blob.sha256, ...(content === 'blob' ? {} : { content }), ...forms };
  }
}

const SECURE = /^(https|wss):$/;

function toTarget({ baseUrl, tls }: WsPieceSourceOptions): Omit<WsTarget, 'authorization'> {
  const url = URL.parse(baseUrl);
  if (url === null || !/^(https?|wss?):$/.test(url.protocol)) throw badUrl('is not http, https, ws or wss');
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw badUrl('has more than scheme, host, port and path');
  if (SECURE.test(url.protocol) !== (tls !== undefined)) throw badUrl('goes with credentials exactly when it has TLS');
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const port = Number(url.port) || (tls === undefined ? 80 : 443);
  const path = `${url.pathname.replace(/\/$/, '')}/mesh`;
  return { host, port, path, ...(tls === undefined ? {} : { tls }) };
}

function badUrl(what: string): TransferError {
  return new TransferError('refused', `Reading a URL for a WebSocket: it ${what}`);
}
