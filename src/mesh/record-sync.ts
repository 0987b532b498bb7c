/**
 * Spreads and repairs the log over a transport. Spec: docs/spec/02-records.md §6, §7.
 * Owns its timers and runs; `stop` ends them. One run a peer at a time; what asks for another meanwhile gets one after it.
 */
import { type Clock, every, type Logger, type MeshId, messageOf, type NodeId, type Random } from '../core/index.ts';
import type { RecordRejection } from './check-record.ts';
import { MESH_LIMITS } from './limits.ts';
import { type ReconcileResult, runReconcile } from './reconcile-run.ts';
import { ReconcileServer } from './reconcile-server.ts';
import type { RecordLog, RecordVerdict } from './record-log.ts';
import { TokenBuckets } from './token-bucket.ts';
import type { GossipVerdict, MeshTransport } from './transport.ts';

export const RECONCILE_PROTOCOL = '/atmosphere/reconcile/1';

/** Rejections that no honest peer passes on: it has validated before. */
const BLAMED: ReadonlySet<RecordRejection> = new Set([
  'malformed',
  'too_large',
  'not_allowed',
  'bad_lifetime',
  'conflict',
  'bad_signature',
  'bad_payload',
]);

export interface RecordSyncOptions {
  readonly meshId: MeshId;
  readonly log: RecordLog;
  readonly transport: MeshTransport;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export class RecordSync {
  readonly #options: RecordSyncOptions;
  readonly #server: ReconcileServer;
  readonly #gossipRate: TokenBuckets<NodeId>;
  readonly #runRate: TokenBuckets<NodeId>;
  readonly #runs = new Map<NodeId, Promise<void>>();
  readonly #again = new Set<NodeId>();
  readonly #sending = new Set<Promise<void>>();
  readonly #stops: (() => void)[] = [];
  #stopped = false;

  constructor(options: RecordSyncOptions) {
    this.#options = options;
    const { log, clock, meshId } = options;
    const rate = { burst: MESH_LIMITS.gossipBurst, perSecond: MESH_LIMITS.gossipPerSecond };
    this.#gossipRate = new TokenBuckets(rate, clock);
    const runs = { burst: MESH_LIMITS.reconcileRunBurst, perSecond: 1000 / MESH_LIMITS.reconcileRunEveryMs };
    this.#runRate = new TokenBuckets(runs, clock);
    this.#server = new ReconcileServer({ log, clock, meshId, onNews: (from) => this.#startRun(from) });
  }

  /** To be called before the transport starts, so that no peer is missed. */
  start(): void {
    const { transport, log, clock } = this.#options;
    transport.onGossip((frame, from) => this.#receive(frame, from));
    transport.handle(RECONCILE_PROTOCOL, (from, message) => this.#server.answer(from, message));
    this.#stops.push(
      transport.peerEvents.on((event) => {
        if (event.type === 'connected' || event.type === 'gossiping') this.#startRun(event.nodeId);
        if (event.type === 'gossiping') void this.#tellNews(event.nodeId);
      }),
      log.events.on((event) => {
        if (event.type === 'accepted' && event.via === undefined) this.#spread(event.record);
        if (event.type === 'revoked') void this.#options.transport.disconnect(event.nodeId);
      }),
      every(clock, MESH_LIMITS.sweepEveryMs, () => log.sweep()),
      every(clock, MESH_LIMITS.reconcileEveryMs, () => this.#compareWithAnyone()),
    );
  }

  /** Nothing runs any more when this resolves. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const stop of this.#stops.splice(0)) stop();
    await Promise.all(this.#runs.values());
  }

  /** What was published has reached the neighbours: a question on the same connections, sent after it, was answered. */
  async flush(): Promise<void> {
    const { transport, clock } = this.#options;
    await Promise.all(this.#sending);
    const answered = Promise.all(transport.peers().map((peer) => this.#tellNews(peer)));
    const { promise: isLate, resolve } = Promise.withResolvers<void>();
    const cancel = clock.after(MESH_LIMITS.flushMs, resolve);
    await Promise.race([answered, isLate]);
    cancel();
  }

  /** Compares with a peer now; resolves when that run, or the one under way, is over. Never rejects. */
  reconcileWith(peer: NodeId): Promise<void> {
    this.#startRun(peer);
    return this.#runs.get(peer) ?? Promise.resolve();
  }

  #spread(record: unknown): void {
    const frame = Buffer.from(JSON.stringify(record));
    const sending = this.#options.transport
      .publish(frame)
      .catch((thrown: unknown) => {
        this.#options.logger.warn({ err: thrown }, 'record not gossiped; reconciliation will carry it');
      })
      .finally(() => this.#sending.delete(sending));
    this.#sending.add(sending);
  }

  /** What comes too fast is dropped unread, not held against the peer, who may pass on another's flood. */
  #receive(frame: Uint8Array, from: NodeId): GossipVerdict {
    if (this.#gossipRate.take(from) > 0) return 'ignore';
    const verdict = this.#options.log.accept(readJson(frame), from);
    if (!verdict.accepted && verdict.rejection === 'unknown_author') this.#startRun(from);
    return toGossipVerdict(verdict);
  }

  #startRun(peer: NodeId): void {
    if (this.#stopped) return;
    if (this.#runs.has(peer)) {
      this.#again.add(peer);
      return;
    }
    if (this.#again.has(peer)) return;
    const waitMs = this.#runRate.take(peer);
    if (waitMs > 0) {
      this.#runLater(peer, waitMs);
      return;
    }
    const run = this.#run(peer).finally(() => {
      this.#runs.delete(peer);
      if (this.#again.delete(peer)) this.#startRun(peer);
    });
    this.#runs.set(peer, run);
  }

  /** A peer that rewrites all it has and says so in a loop costs a run now and then, not one after the other. */
  #runLater(peer: NodeId, waitMs: number): void {
    this.#again.add(peer);
    this.#options.clock.after(waitMs, () => {
      if (this.#again.delete(peer)) this.#startRun(peer);
    });
  }

  async #run(peer: NodeId): Promise<void> {
    const { transport, log, meshId, logger } = this.#options;
    const ask = (question: unknown) => transport.request(peer, RECONCILE_PROTOCOL, question);
    try {
      const result = await runReconcile({ peer, meshId, log, ask });
      this.#tell(peer, result);
    } catch (thrown) {
      logger.debug({ peer, reason: messageOf(thrown) }, 'reconciliation ended early');
    }
  }

  /** News travels on: who learned something says so to its other peers. */
  #tell(source: NodeId, { accepted }: ReconcileResult): void {
    if (accepted === 0 || this.#stopped) return;
    for (const peer of this.#options.transport.peers()) if (peer !== source) void this.#tellNews(peer);
  }

  /** Resolves when the peer has answered; never rejects. */
  async #tellNews(peer: NodeId): Promise<void> {
    const { transport, meshId, logger } = this.#options;
    try {
      await transport.request(peer, RECONCILE_PROTOCOL, { type: 'news', mesh_id: meshId });
    } catch (thrown) {
      logger.debug({ peer, reason: messageOf(thrown) }, 'news not delivered');
    }
  }

  #compareWithAnyone(): void {
    const peers = this.#options.transport.peers();
    const chosen = peers[Math.floor(this.#options.random.next() * peers.length)];
    if (chosen !== undefined) this.#startRun(chosen);
  }
}

function toGossipVerdict(verdict: RecordVerdict): GossipVerdict {
  if (verdict.accepted) return 'accept';
  return BLAMED.has(verdict.rejection) ? 'reject' : 'ignore';
}

/** Undefined for what is not JSON: the log then calls it malformed. */
function readJson(frame: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString('utf8'));
  } catch {
    return undefined;
  }
}
