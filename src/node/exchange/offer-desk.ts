/**
 * Answers `model_request` of others: one offer a request, after a random while, and none when enough others were faster. Nothing is
 * offered to who may not read it. A node that asks too often is not answered. Spec: docs/spec/17-deployment.md §7.4.
 */
import { randomUUID } from 'node:crypto';
import { messageOf, type NodeId } from '../../core/index.ts';
import { type Criteria, chooseModel } from '../../deploy/index.ts';
import type { ModelEntry, ModelOffer, ModelWanted } from '../../protocol/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { ExchangeWord } from './exchange-words.ts';
import type { ExchangeSurroundings } from './ports.ts';

interface Answering {
  readonly cancel: () => void;
  offersSeen: number;
}

const FITS = { fit: 'yes', reasons: [] } as const;

export class OfferDesk implements Disposable {
  readonly #around: ExchangeSurroundings;
  /** By author and key: a request is answered once, whenever it comes again. */
  readonly #answering = new Map<string, Answering>();
  /** When each node's latest requests came. */
  readonly #askedAtMs = new Map<NodeId, number[]>();

  constructor(around: ExchangeSurroundings) {
    this.#around = around;
  }

  [Symbol.dispose](): void {
    for (const { cancel } of this.#answering.values()) cancel();
    this.#answering.clear();
  }

  onRequest({ from, key, message }: ExchangeWord<ModelWanted>): void {
    const id = `${from} ${key}`;
    if (from === this.#around.mesh.nodeId || this.#answering.has(id) || !this.#mayAsk(from)) return;
    const entry = this.#choose(message, from);
    if (entry === undefined) return;
    if (this.#answering.size >= NODE_LIMITS.requestsRemembered) this.#forgetOldest();
    const { clock, random } = this.#around;
    const delayMs = random.next() * NODE_LIMITS.offerDelayMs;
    const answering: Answering = {
      offersSeen: 0,
      cancel: clock.after(delayMs, () => {
        if (answering.offersSeen < NODE_LIMITS.offersEnough) this.#offer(entry, from, key);
      }),
    };
    this.#answering.set(id, answering);
  }

  /** Somebody else was faster. */
  onOffer({ from, message }: ExchangeWord<ModelOffer>): void {
    if (from === this.#around.mesh.nodeId || message.request === undefined) return;
    const answering = this.#answering.get(`${message.to_node} ${message.request}`);
    if (answering !== undefined) answering.offersSeen += 1;
  }

  /** What would be best of what is here; whether it fits there, the asker knows. */
  #choose({ criteria }: ModelWanted, asker: NodeId): ModelEntry | undefined {
    const { library, isDeprecated, mayRead } = this.#around;
    const offers = library
      .entries()
      .filter(({ model_id }) => mayRead(model_id, asker))
      .map((entry) => ({ ...toOnOffer(entry), entry }));
    try {
      return chooseModel(offers, toCriteria(criteria), {
        isDeprecated: ({ modelId, version }) => isDeprecated(modelId, version),
        fitOf: () => FITS,
      })?.entry;
    } catch {
      // A range that is none: nothing is meant by it.
      return undefined;
    }
  }

  #offer({ model_id: name, version, sha256 }: ModelEntry, to: NodeId, request: string): void {
    const { mesh, logger } = this.#around;
    const model = { name, version, checksum: `sha256:${sha256}` };
    const payload = { type: 'model_offer', from_node: mesh.nodeId, to_node: to, request, model };
    try {
      mesh.publish({ kind: 'exchange', key: `offer:${randomUUID()}`, payload, ttlMs: NODE_LIMITS.requestLifeMs });
    } catch (thrown) {
      logger.warn({ model: name, to, reason: messageOf(thrown) }, 'a model could not be offered');
    }
  }

  #mayAsk(from: NodeId): boolean {
    const nowMs = this.#around.clock.monotonicMs();
    const recent = (this.#askedAtMs.get(from) ?? []).filter((at) => at > nowMs - NODE_LIMITS.requestWindowMs);
    const isAllowed = recent.length < NODE_LIMITS.requestsPerPeer;
    this.#askedAtMs.set(from, isAllowed ? [...recent, nowMs] : recent);
    return isAllowed;
  }

  #forgetOldest(): void {
    const [oldest] = this.#answering;
    if (oldest === undefined) return;
    oldest[1].cancel();
    this.#answering.delete(oldest[0]);
  }
}

export function toOnOffer(entry: ModelEntry) {
  const { model_id: modelId, version, sha256, size_bytes: sizeBytes, capabilities } = entry;
  return { modelId, version, sha256, sizeBytes, capabilities };
}

export function toCriteria({ name, version, capabilities, max_size_bytes }: ModelWanted['criteria']): Criteria {
  return { name, version, capabilities, maxSizeBytes: max_size_bytes };
}
