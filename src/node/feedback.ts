/**
 * What pulls taught about peers, told to the mesh; and what the mesh tells, weighed for the next choice. Own counts are
 * found again after a restart in our own records. A record that cannot be published costs the news, never the pull.
 * Spec: docs/spec/15-feedback.md.
 */
import { type Clock, isNodeId, type Logger, messageOf, type NodeId } from '../core/index.ts';
import type { Mesh, RecordEvent } from '../mesh/index.ts';
import { type PeerOutcome, parsePeerOutcome, type SignedRecord } from '../protocol/index.ts';
import { type PeerStats, type PeerWords, type Standing, standingOf, weighReports } from '../registry/index.ts';
import type { SourceOutcome } from '../transfer/index.ts';
import { judgeSources } from './judge-sources.ts';
import { NODE_LIMITS } from './limits.ts';
import { addVerdict, isCurrent, planTelling, type Tally, type Told } from './outcome-tally.ts';
import { ReportBook } from './report-book.ts';

export interface FeedbackOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'records' | 'publish' | 'recordEvents' | 'membershipEvents'>;
  /** Our own experience, over restarts. */
  statsOf(nodeId: NodeId): PeerStats | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Feedback implements Disposable {
  readonly #options: FeedbackOptions;
  readonly #reports = new ReportBook();
  readonly #tallies = new Map<NodeId, Tally>();
  readonly #told = new Map<NodeId, Told>();
  readonly #words = new Map<NodeId, { readonly words: PeerWords; readonly atMs: number }>();
  readonly #stops: (() => void)[] = [];
  #cancelTelling: (() => void) | undefined;

  constructor(options: FeedbackOptions) {
    this.#options = options;
  }

  /** Reads what is stored, then listens. The mesh must be started. */
  start(): void {
    const { mesh } = this.#options;
    this.#readAll();
    this.#stops.push(
      mesh.recordEvents.on((event) => this.#onRecord(event)),
      mesh.membershipEvents.on(() => this.#startOver()),
    );
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#cancelTelling?.();
  }

  /** What a download learned of its peers. Our own experience must be written before. */
  note(outcomes: readonly SourceOutcome[]): void {
    const nowMs = Math.floor(this.#options.clock.nowMs());
    this.#words.clear();
    for (const verdict of judgeSources(outcomes)) {
      const tally = addVerdict(this.#tallies.get(verdict.nodeId), verdict, nowMs);
      this.#tallies.delete(verdict.nodeId);
      this.#tallies.set(verdict.nodeId, tally);
    }
    for (const oldest of this.#tallies.keys()) {
      if (this.#tallies.size <= NODE_LIMITS.outcomeTallies) break;
      this.#tallies.delete(oldest);
    }
    this.#tell();
  }

  /** What others say of a peer, as far as they are believed. */
  wordsOf(nodeId: NodeId): PeerWords {
    const nowMs = this.#options.clock.nowMs();
    const known = this.#words.get(nodeId);
    if (known !== undefined && Math.abs(nowMs - known.atMs) < NODE_LIMITS.weighedWordsMs) return known.words;
    const { statsOf } = this.#options;
    const words = weighReports(this.#reports.on(nodeId), { subject: nodeId, nowMs, statsOf });
    this.#words.set(nodeId, { words, atMs: nowMs });
    return words;
  }

  standingOf(nodeId: NodeId): Standing {
    const nowMs = this.#options.clock.nowMs();
    const stats = this.#options.statsOf(nodeId);
    return standingOf({ stats, words: this.wordsOf(nodeId), verdicts: this.#tallies.get(nodeId), nowMs });
  }

  #readAll(): void {
    for (const record of this.#options.mesh.records({ kind: 'outcome' })) this.#read(record);
  }

  /** Another mesh, or none any more: nothing that was told in the old one counts. */
  #startOver(): void {
    this.#reports.clear();
    for (const map of [this.#tallies, this.#told, this.#words]) map.clear();
    this.#readAll();
  }

  #onRecord(event: RecordEvent): void {
    if (event.type === 'revoked' || event.record.kind !== 'outcome') return;
    if (event.type === 'accepted') this.#read(event.record);
    else this.#drop(event.record);
  }

  #read(record: SignedRecord): void {
    const { author, issued_at: saidMs } = record;
    if (!isNodeId(author)) return;
    let outcome: PeerOutcome;
    try {
      outcome = parsePeerOutcome(record.payload, record);
    } catch (thrown) {
      this.#options.logger.warn({ author, reason: messageOf(thrown) }, 'words on a peer are refused');
      return;
    }
    const { subject, ok, slow, stalled, corrupt } = outcome;
    if (author === this.#options.mesh.nodeId) this.#recall(outcome, saidMs);
    else this.#reports.put(subject, { reporter: author, saidMs, ok, slow, stalled, corrupt });
    this.#words.delete(subject);
  }

  /** Our own words, of this run or of one before. */
  #recall({ subject, window_start: startMs, ok, slow, stalled, corrupt, bytes }: PeerOutcome, atMs: number): void {
    const tally = { ok, slow, stalled, corrupt, bytes, startMs, lastMs: atMs };
    this.#told.set(subject, { tally, atMs });
    if (!this.#tallies.has(subject)) this.#tallies.set(subject, tally);
  }

  #drop({ author, key }: SignedRecord): void {
    const subject = key as NodeId;
    if (author === this.#options.mesh.nodeId) this.#told.delete(subject);
    else this.#reports.drop(subject, author as NodeId);
    this.#words.delete(subject);
  }

  /** Tells what is due, and looks again when more will be. */
  #tell(): void {
    this.#cancelTelling?.();
    this.#cancelTelling = undefined;
    const { clock } = this.#options;
    const nowMs = clock.nowMs();
    for (const [subject, tally] of this.#tallies) if (!isCurrent(tally, nowMs)) this.#tallies.delete(subject);
    const { now, nextMs } = planTelling(this.#tallies, this.#told, nowMs);
    for (const subject of now) this.#publish(subject);
    if (nextMs !== undefined) this.#cancelTelling = clock.after(nextMs - nowMs, () => this.#tell());
  }

  #publish(subject: NodeId): void {
    const tally = this.#tallies.get(subject);
    if (tally === undefined) return;
    const { mesh, logger } = this.#options;
    const { startMs, lastMs, ...counts } = tally;
    const window = { window_start: startMs, window_ms: Math.max(0, lastMs - startMs) };
    const payload = { type: 'peer_outcome', subject, ...window, ...counts };
    try {
      mesh.publish({ kind: 'outcome', key: subject, payload, ttlMs: NODE_LIMITS.outcomeWindowMs });
    } catch (thrown) {
      logger.warn({ subject, reason: messageOf(thrown) }, 'the mesh was not told what a pull showed of a peer');
    }
  }
}
