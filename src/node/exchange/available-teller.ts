/**
 * Tells the mesh of each model that becomes ready here, once, a few at a time: `model_available`. What was ready at the start is
 * in the catalog already, and is not told again. Spec: docs/spec/17-deployment.md §7.2.
 */
import { messageOf } from '../../core/index.ts';
import type { ModelEntry } from '../../protocol/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import { SpacedCalls } from '../spaced-calls.ts';
import { availableKey } from './exchange-words.ts';
import type { ExchangeSurroundings } from './ports.ts';

export class AvailableTeller implements Disposable {
  readonly #around: ExchangeSurroundings;
  readonly #told: Set<string>;
  readonly #calls: SpacedCalls;
  readonly #stop: () => void;
  #waiting: ModelEntry[] = [];

  constructor(around: ExchangeSurroundings) {
    this.#around = around;
    this.#told = new Set(around.library.entries().map(availableKey));
    const { availableBurst: burst, availableEveryMs: everyMs } = NODE_LIMITS;
    this.#calls = new SpacedCalls({ clock: around.clock, burst, everyMs, act: () => this.#tellNext() });
    this.#stop = around.library.changes.on(() => this.#look());
  }

  [Symbol.dispose](): void {
    this.#stop();
    this.#calls[Symbol.dispose]();
    this.#waiting = [];
  }

  /** What does not fit into the queue is in the catalog all the same. */
  #look(): void {
    for (const entry of this.#around.library.entries()) {
      const key = availableKey(entry);
      if (this.#told.has(key)) continue;
      if (this.#told.size >= NODE_LIMITS.availableRemembered) this.#told.clear();
      this.#told.add(key);
      if (this.#waiting.length < NODE_LIMITS.availableWaiting) this.#waiting.push(entry);
    }
    if (this.#waiting.length > 0) this.#calls.call();
  }

  #tellNext(): void {
    const entry = this.#waiting.shift();
    if (entry === undefined) return;
    const { mesh, clock, logger } = this.#around;
    const payload = toAvailable(entry, mesh.nodeId, clock.nowMs());
    try {
      mesh.publish({ kind: 'exchange', key: availableKey(entry), payload, ttlMs: NODE_LIMITS.exchangeLifeMs });
    } catch (thrown) {
      logger.warn({ model: entry.model_id, reason: messageOf(thrown) }, 'the mesh was not told of a new model');
    }
    if (this.#waiting.length > 0) this.#calls.call();
  }
}

function toAvailable(entry: ModelEntry, nodeId: string, nowMs: number) {
  const { model_id: name, version, type, size_bytes, sha256, capabilities } = entry;
  const model = { name, version, type, size_bytes, checksum: `sha256:${sha256}`, capabilities };
  return { type: 'model_available', from_node: nodeId, model, timestamp: Math.floor(nowMs / 1000), ttl: 5 };
}
