/**
 * A peer as one source, whatever its addresses become and whichever way leads there: the best that answers. One that has not
 * answered for a moment gets company from the next; one that failed rests, and is tried first again on a later connection.
 * Spec: docs/spec/10-transfer.md §12.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { NodeId } from '../core/index.ts';
import type { DifferenceAnswer } from '../protocol/index.ts';
import {
  type BlobToGet,
  type DifferenceQuestion,
  type Lane,
  type PieceSource,
  TransferError,
} from '../transfer/index.ts';
import { NODE_LIMITS } from './limits.ts';
import type { Endpoint } from './peer-endpoints.ts';
import { directWay, type MoreWays, type PeerCredentials, relayedWay, streamWay, type Way, wsWay } from './peer-ways.ts';

export interface PeerSourcesOptions extends PeerCredentials, MoreWays {}

export interface PeerAt {
  readonly nodeId: NodeId;
  /** Where the peer is now, best first. */
  endpoints(): readonly Endpoint[];
  readonly expectedRate: number | undefined;
  /** It fetches the blob itself. */
  readonly isPartial?: boolean;
  /** The user wants it asked first. */
  readonly isPreferred?: boolean;
}

export function peerSource(options: PeerSourcesOptions, peer: PeerAt, blob: BlobToGet): PieceSource {
  return new PeerSource(peer, waysTo(options, peer, blob));
}

/** Asked anew for each connection; a way is made once, so that its TLS session is resumed. */
function waysTo(options: PeerSourcesOptions, { nodeId, endpoints }: PeerAt, blob: BlobToGet): () => readonly Way[] {
  const made = new Map<string, Way>();
  const once = (name: string, make: () => Way): Way => {
    const way = made.get(name) ?? make();
    made.set(name, way);
    return way;
  };
  const { relays, relaysOf, openStream, isDirect } = options;
  const streams =
    openStream === undefined ? undefined : { openStream, ...(isDirect === undefined ? {} : { isDirect }) };
  return () => {
    const ways = endpoints().map((at) => once(at.baseUrl, () => directWay(options, nodeId, at, blob)));
    if (relays !== undefined)
      for (const relay of relaysOf?.(nodeId).slice(0, NODE_LIMITS.relaysPerPeer) ?? [])
        ways.push(once(`relay ${relay}`, () => relayedWay(options, relays, relay, nodeId, blob)));
    for (const relay of options.wsRelays ?? [])
      ways.push(once(`WebSocket relay ${relay}`, () => wsWay(options, relay, nodeId, blob)));
    if (streams !== undefined) ways.push(once('mesh', () => streamWay(streams, nodeId, blob)));
    return ways;
  };
}

/** What came of asking one way: an answer, or an error that another way would not cure. */
type Outcome<T> = { readonly way: Way; readonly answer: T } | { readonly error: unknown };

class PeerSource implements PieceSource {
  readonly id: string;
  readonly nodeId: NodeId;
  readonly expectedRate?: number;
  readonly isPartial: boolean;
  readonly isPreferred: boolean;
  readonly #ways: () => readonly Way[];
  readonly #restingUntilMs = new Map<string, number>();
  #last: Way | undefined;

  constructor({ nodeId, expectedRate, isPartial = false, isPreferred = false }: PeerAt, ways: () => readonly Way[]) {
    this.id = nodeId;
    this.nodeId = nodeId;
    this.isPartial = isPartial;
    this.isPreferred = isPreferred;
    if (expectedRate !== undefined) this.expectedRate = expectedRate;
    this.#ways = ways;
  }

  get tier(): 0 | 1 {
    return this.#current()?.tier ?? 0;
  }

  get lanes(): number {
    return this.#current()?.lanes ?? 1;
  }

  openLane(signal: AbortSignal): Promise<Lane> {
    return this.#first((way, over) => way.openLane(over), signal, { letGo: (late) => late.close() });
  }

  pieceHashes(sizeBytes: number, signal: AbortSignal): Promise<Buffer> {
    return this.#first((way, over) => this.#hashesOf(way, sizeBytes, over), signal);
  }

  async askDifference(question: DifferenceQuestion, signal: AbortSignal): Promise<DifferenceAnswer> {
    const ways = this.#inOrder().filter(({ askDifference }) => askDifference !== undefined);
    if (ways.length === 0)
      throw new TransferError('not_held', 'Asking for a difference: no way there carries the question');
    const ask = (way: Way, over: AbortSignal) => way.askDifference?.(question, over) ?? Promise.reject(this.#nowhere());
    return this.#first(ask, signal, { ways });
  }

  /** News come by one way until that breaks; the caller follows again then, by the best of that time. */
  async followPieces(
    tell: Parameters<NonNullable<PieceSource['followPieces']>>[0],
    signal: AbortSignal,
  ): Promise<void> {
    let last: unknown = this.#nowhere();
    for (const way of this.#inOrder()) {
      let isHeard = false;
      const hear: typeof tell = (news) => {
        isHeard = true;
        tell(news);
      };
      try {
        await way.followPieces?.(hear, signal);
        return;
      } catch (thrown) {
        last = thrown;
        if (isHeard || signal.aborted || !isOfTheWay(thrown)) throw thrown;
        this.#rest(way);
      }
    }
    throw last;
  }

  #hashesOf(way: Way, sizeBytes: number, signal: AbortSignal): Promise<Buffer> {
    const hashes = way.pieceHashes?.(sizeBytes, signal);
    return hashes ?? Promise.reject(new TransferError('not_held', 'Asking for the piece list: it has none'));
  }

  /** The first answer; `letGo` gets those that come after it. */
  async #first<T>(
    ask: (way: Way, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
    { letGo = () => {}, ways = this.#inOrder() }: { letGo?: (late: T) => void; ways?: readonly Way[] } = {},
  ): Promise<T> {
    const over = new AbortController();
    const both = AbortSignal.any([signal, over.signal]);
    let isOver = false;
    const attempt = async (way: Way): Promise<Outcome<T>> => {
      const answer = await this.#askWay(way, ask, both);
      if (isOver && 'answer' in answer) letGo(answer.answer);
      return answer;
    };
    try {
      const outcome = await Promise.any(inTurn(ways, attempt, both));
      isOver = true;
      if ('error' in outcome) throw outcome.error;
      this.#last = outcome.way;
      return outcome.answer;
    } catch (thrown) {
      throw thrown instanceof AggregateError ? (thrown.errors[0] ?? this.#nowhere()) : thrown;
    } finally {
      isOver = true;
      over.abort();
    }
  }

  /** Rejects where another way may help. */
  async #askWay<T>(
    way: Way,
    ask: (way: Way, signal: AbortSignal) => Promise<T>,
    signal: AbortSignal,
  ): Promise<Outcome<T>> {
    try {
      signal.throwIfAborted();
      const answer = await ask(way, signal);
      this.#restingUntilMs.delete(way.name);
      return { way, answer };
    } catch (error) {
      if (signal.aborted) throw new TransferError('cancelled', 'Connecting to a peer: cancelled', { cause: error });
      if (!isOfTheWay(error)) return { error };
      this.#rest(way);
      throw error;
    }
  }

  #rest(way: Way): void {
    this.#restingUntilMs.set(way.name, performance.now() + NODE_LIMITS.wayRestMs);
  }

  /** Best first; those that rest behind all others. */
  #inOrder(): Way[] {
    const nowMs = performance.now();
    const rests = ({ name }: Way): number => Number((this.#restingUntilMs.get(name) ?? 0) > nowMs);
    return this.#ways().toSorted((a, b) => rests(a) - rests(b));
  }

  #current(): Way | undefined {
    return this.#last ?? this.#inOrder()[0];
  }

  #nowhere(): TransferError {
    return new TransferError('peer_unreachable', `Connecting to ${this.nodeId}: it is at no address now`);
  }
}

/** Begins with the first; with each next one when the one before failed, or has taken its time. */
function inTurn<T>(ways: readonly Way[], attempt: (way: Way) => Promise<T>, signal: AbortSignal): Promise<T>[] {
  let gate: Promise<unknown> = Promise.resolve();
  return ways.map((way, place) => {
    const { hedgeMs = NODE_LIMITS.wayHedgeMs } = ways[place + 1] ?? way;
    const trying = gate.then(() => attempt(way));
    const failed = trying.then(
      () => new Promise(() => {}),
      () => {},
    );
    const slow = gate.then(() => delay(hedgeMs, undefined, { signal })).catch(() => {});
    gate = Promise.race([failed, slow]);
    return trying;
  });
}

/** What is wrong with a way, and not with the peer: somebody else may be at an address that it had. */
function isOfTheWay(thrown: unknown): boolean {
  if (!(thrown instanceof TransferError)) return true;
  return thrown.code === 'peer_unreachable' || thrown.code === 'peer_not_trusted';
}
