/**
 * One comparison with one peer: what it has and we lack is fetched and validated. Spec: docs/spec/02-records.md §7.
 * The peer controls every answer: all loops are bounded by limits.ts, and a record enters only through the log's `accept`.
 */
import { isMeshId, type MeshId, type NodeId } from '../core/index.ts';
import {
  type AuthorDigest,
  type ListEntry,
  PROTOCOL_LIMITS,
  parseReconcileAnswer,
  type ReconcileAnswer,
  type ReconcileAsk,
  type RecordAuthor,
} from '../protocol/index.ts';
import { MESH_LIMITS } from './limits.ts';
import type { RecordKey } from './ports.ts';
import { inBatches, planAuthors, planFetch, type RecordId } from './reconcile-plan.ts';
import { digestRecords } from './record-digest.ts';
import type { RecordLog } from './record-log.ts';

export type Ask = (question: ReconcileAsk) => Promise<unknown>;

export interface ReconcileRun {
  readonly peer: NodeId;
  readonly meshId: MeshId;
  readonly log: RecordLog;
  readonly ask: Ask;
}

export interface ReconcileResult {
  readonly accepted: number;
  readonly refused: number;
  /** False when a bound, or the peer's own, ended the run early; the next run goes on. */
  readonly complete: boolean;
}

/** The peer was busy, or a bound is reached: ends the run without blame. */
class RunEnded extends Error {}

/** Throws what `ask` throws, and ProtocolError `malformed` for answers that are none. */
export async function runReconcile(run: ReconcileRun): Promise<ReconcileResult> {
  const taker = new Taker(run);
  try {
    await taker.takeAll();
  } catch (thrown) {
    if (!(thrown instanceof RunEnded)) throw thrown;
    return { ...taker.counts(), complete: false };
  }
  return { ...taker.counts(), complete: true };
}

class Taker {
  readonly #run: ReconcileRun;
  #accepted = 0;
  #refused = 0;
  #bytes = 0;
  #pages = 0;

  constructor(run: ReconcileRun) {
    this.#run = run;
  }

  counts() {
    return { accepted: this.#accepted, refused: this.#refused };
  }

  async takeAll(): Promise<void> {
    const theirs = await this.#askDigests();
    const first = this.#plan(theirs);
    await this.#takeAuthors(first.authorities);
    // Asked again: what the authority said may have made authors welcome, or unwelcome.
    await this.#takeAuthors(this.#plan(theirs).nodes);
  }

  #plan(theirs: readonly AuthorDigest[]) {
    const { log, meshId } = this.#run;
    const isWelcome = (author: RecordAuthor) => {
      if (isMeshId(author)) return author === meshId;
      return log.certificateOf(author) !== undefined && !log.isRevoked(author);
    };
    return planAuthors(digestRecords(log.heads()), theirs, isWelcome);
  }

  async #takeAuthors(authors: readonly RecordAuthor[]): Promise<void> {
    for (const batch of inBatches(authors, PROTOCOL_LIMITS.reconcileAuthorsPerAsk)) {
      const listed = await this.#askList(batch);
      const heads = batch.flatMap((author) => this.#run.log.heads({ author }));
      const held = new Map(heads.map((head) => [slotOf(head), head.seq]));
      await this.#take(planFetch(listed, (id) => held.get(slotOf(id)) ?? 0));
    }
  }

  async #take(ids: readonly RecordId[]): Promise<void> {
    let left = [...ids];
    while (left.length > 0) {
      const batch = left.slice(0, PROTOCOL_LIMITS.reconcileRecordsPerAsk);
      const answer = await this.#ask({ type: 'ask_records', mesh_id: this.#run.meshId, ids: batch }, 'records');
      for (const value of answer.records) this.#accept(value);
      // An answer may stop early to fit a frame; an empty one means that all of the batch is gone there.
      const done = answer.records.length === 0 ? batch.length : coveredBy(batch, answer.records);
      left = left.slice(done);
    }
  }

  #accept(value: unknown): void {
    const { log, peer } = this.#run;
    this.#bytes += Buffer.byteLength(JSON.stringify(value));
    if (log.accept(value, peer).accepted) this.#accepted += 1;
    else this.#refused += 1;
    if (this.#bytes > MESH_LIMITS.reconcileBytesPerRun) throw new RunEnded();
  }

  async #askDigests(): Promise<AuthorDigest[]> {
    const all: AuthorDigest[] = [];
    for (;;) {
      const after = all.at(-1)?.author;
      const question = { type: 'ask_digests' as const, mesh_id: this.#run.meshId };
      const answer = await this.#ask(after === undefined ? question : { ...question, after }, 'digests');
      all.push(...answer.authors);
      const enough = all.length >= MESH_LIMITS.reconcileAuthorsPerRun;
      if (!answer.more || enough || answer.authors.length === 0) return all;
    }
  }

  async #askList(authors: RecordAuthor[]): Promise<ListEntry[]> {
    const asked = new Set<string>(authors);
    const all: ListEntry[] = [];
    for (let skip = 0; ; ) {
      const answer = await this.#ask({ type: 'ask_list', mesh_id: this.#run.meshId, authors, skip }, 'list');
      all.push(...answer.entries.filter(([author]) => asked.has(author)));
      skip += answer.entries.length;
      if (!answer.more || answer.entries.length === 0) return all;
    }
  }

  async #ask<Type extends ReconcileAnswer['type']>(
    question: ReconcileAsk,
    wanted: Type,
  ): Promise<Extract<ReconcileAnswer, { type: Type }>> {
    this.#pages += 1;
    if (this.#pages > MESH_LIMITS.reconcilePagesPerRun) throw new RunEnded();
    const answer = parseReconcileAnswer(await this.#run.ask(question));
    if (answer.type !== wanted) throw new RunEnded();
    return answer as Extract<ReconcileAnswer, { type: Type }>;
  }
}

function slotOf({ author, kind, key }: RecordKey): string {
  return `${author} ${kind} ${key}`;
}

/** How many ids of a batch an answer has dealt with: up to the last record in it. */
function coveredBy(batch: readonly RecordId[], records: readonly unknown[]): number {
  const last = records.at(-1) as { author?: unknown; kind?: unknown; key?: unknown } | null;
  const position = batch.findIndex(([author, kind, key]) => {
    return author === last?.author && kind === last?.kind && key === last?.key;
  });
  return position === -1 ? batch.length : position + 1;
}
