/** Answers to reconcile questions. Spec: docs/spec/02-records.md §7. The asker controls the question; answers are bounded. */
import { type Clock, compareText, type MeshId, type NodeId } from '../core/index.ts';
import { PROTOCOL_LIMITS, parseReconcileAsk, type ReconcileAnswer, type ReconcileAsk } from '../protocol/index.ts';
import { MESH_LIMITS } from './limits.ts';
import { digestRecords, listRecords } from './record-digest.ts';
import type { RecordLog } from './record-log.ts';
import { recordBytes } from './record-usage.ts';
import { TokenBuckets } from './token-bucket.ts';

type AskOf<Type extends ReconcileAsk['type']> = Extract<ReconcileAsk, { type: Type }>;

export interface ReconcileServerOptions {
  readonly meshId: MeshId;
  readonly log: RecordLog;
  readonly clock: Clock;
  /** A peer says that it has learned something. */
  readonly onNews: (from: NodeId) => void;
}

export class ReconcileServer {
  readonly #options: ReconcileServerOptions;
  readonly #rates: TokenBuckets<NodeId>;

  constructor(options: ReconcileServerOptions) {
    this.#options = options;
    const rate = { burst: MESH_LIMITS.reconcileBurst, perSecond: MESH_LIMITS.reconcilePerSecond };
    this.#rates = new TokenBuckets(rate, options.clock);
  }

  /** Throws ProtocolError `malformed` for what is no question. */
  answer(from: NodeId, message: unknown): ReconcileAnswer {
    const ask = parseReconcileAsk(message);
    const waitMs = this.#rates.take(from);
    if (waitMs > 0) return { type: 'busy', retry_after_ms: Math.min(waitMs, 600_000) };
    if (ask.mesh_id !== this.#options.meshId) return { type: 'busy', retry_after_ms: 600_000 };
    return this.#answer(from, ask);
  }

  #answer(from: NodeId, ask: ReconcileAsk): ReconcileAnswer {
    switch (ask.type) {
      case 'ask_digests':
        return this.#digests(ask);
      case 'ask_list':
        return this.#list(ask);
      case 'ask_records':
        return this.#records(ask);
      case 'news':
        this.#options.onNews(from);
        return { type: 'noted' };
    }
  }

  #digests({ after }: AskOf<'ask_digests'>): ReconcileAnswer {
    const all = digestRecords(this.#options.log.heads());
    const rest = after === undefined ? all : all.filter(({ author }) => compareText(author, after) > 0);
    const authors = rest.slice(0, PROTOCOL_LIMITS.reconcileDigestsPerPage);
    return { type: 'digests', authors, more: rest.length > authors.length };
  }

  #list({ authors, skip }: AskOf<'ask_list'>): ReconcileAnswer {
    const all = listRecords([...new Set(authors)].flatMap((author) => this.#options.log.heads({ author })));
    const entries = all.slice(skip, skip + PROTOCOL_LIMITS.reconcileEntriesPerPage);
    return { type: 'list', entries, more: skip + entries.length < all.length };
  }

  #records({ ids }: AskOf<'ask_records'>): ReconcileAnswer {
    const records: unknown[] = [];
    let bytes = 0;
    for (const [author, kind, key] of ids) {
      const record = this.#options.log.get({ author, kind, key });
      if (record === undefined) continue;
      bytes += recordBytes(record);
      if (records.length > 0 && bytes > MESH_LIMITS.reconcileAnswerBytes) break;
      records.push(record);
    }
    return { type: 'records', records };
  }
}
