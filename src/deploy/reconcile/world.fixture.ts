/**
 * A node for tests of the reconciler: what a disk would keep (journal, contents, what is in force) and what a process does. A process
 * can be ended at any of its calls, before or after the call has its effect; nothing that it does later counts.
 */
import { type ModelId, silentLogger } from '../../core/index.ts';
import { type ModelManifest, parseManifest } from '../../protocol/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import type { Because, ContentKey, Deployed, Desired, Refusal } from '../types.ts';
import type { DeploymentEvent } from './ports.ts';
import { Reconciler } from './reconciler.ts';

const hexOf = (text: string): string => Buffer.from(text).toString('hex').padEnd(64, '0').slice(0, 64);

export function manifestOf(version: string, modelId = 'acme/detector'): ModelManifest {
  return parseManifest({
    ...{ model_id: modelId, name: modelId, version, model_type: 'detector', format: 'onnx' },
    ...{ size_bytes: 1000, sha256: hexOf(`${modelId}@${version}`) },
  });
}

export function wishOf(version: string, change: Partial<Desired> & { readonly order?: string } = {}): Desired {
  const { order = `order-${version}`, ...more } = change;
  const because: Because = { kind: 'command', id: order, author: undefined, orderedAtMs: 1 };
  const manifest = manifestOf(version, more.modelId);
  return { modelId: manifest.model_id, presence: 'present', manifest, load: true, priority: 3, because, ...more };
}

/** What outlives a process. */
export class World {
  readonly clock = new VirtualClock();
  wishes: readonly Desired[] = [];
  readonly rows = new Map<ModelId, Deployed>();
  readonly contents = new Set<string>();
  readonly inForce = new Map<ModelId, string>();
  /** Contents that the probe refuses, with what it says; `throws` for those that cannot be put in force. */
  readonly bad = new Map<string, string>();
  readonly unfetchable = new Map<string, Error>();
  readonly inactivable = new Set<string>();
  refusals: readonly Refusal[] = [];
  isDiskFull = false;
  readonly events: [DeploymentEvent, Readonly<Record<string, unknown>>][] = [];
  readonly calls: string[] = [];
  #generation = 0;

  /** Ends the process that runs, as kill -9 does. */
  kill(): void {
    this.#generation += 1;
  }

  /** A process over what is on the disk. `endAt`: it is killed at this call of its life, counted from 0. */
  open(endAt = Number.POSITIVE_INFINITY): { readonly reconciler: Reconciler; readonly ended: Promise<void> } {
    this.#generation += 1;
    const own = this.#generation;
    const ended = Promise.withResolvers<void>();
    let count = 0;
    const isAlive = (): boolean => own === this.#generation;
    /** Each call is two moments at which the process may end: before its effect, and after. */
    const at = (): boolean => {
      if (isAlive() && count++ === endAt) {
        this.#generation += 1;
        ended.resolve();
      }
      return isAlive();
    };
    const call = async <Result>(name: string, act: () => Result): Promise<Result> => {
      if (!at()) return new Promise<never>(() => {});
      this.calls.push(name);
      const result = act();
      if (!at()) return new Promise<never>(() => {});
      return result;
    };
    const write = (act: () => void): void => {
      if (!at()) throw new Error('the process is gone');
      if (this.isDiskFull) throw new Error('database or disk is full');
      act();
      if (!at()) throw new Error('the process is gone');
    };
    const reconciler = new Reconciler({
      wishes: { desired: async () => this.wishes },
      store: {
        list: () => [...this.rows.values()],
        get: (modelId) => this.rows.get(modelId),
        put: (row) => write(() => this.rows.set(row.modelId, row)),
        delete: (modelId) => write(() => this.rows.delete(modelId)),
      },
      fetcher: {
        isHere: (manifest) => call(`isHere ${manifest.version}`, () => this.contents.has(keyOf(manifest))),
        fetch: async (manifest, { onProgress }, signal) => {
          await call(`fetch ${manifest.version}`, () => {});
          signal.throwIfAborted();
          onProgress(0.5);
          const why = this.unfetchable.get(manifest.version);
          if (why !== undefined) throw why;
          await call('fetched', () => this.contents.add(keyOf(manifest)));
        },
        drop: (modelId, content) =>
          call(`drop ${content.version}`, () => {
            this.contents.delete(keyOf({ model_id: modelId, ...content }));
          }),
      },
      gate: { judge: (manifest) => call(`gate ${manifest.version}`, () => this.refusals) },
      prober: {
        probe: (manifest) =>
          call(`probe ${manifest.version}`, () => {
            const why = this.bad.get(manifest.version);
            if (why !== undefined) throw new Error(why);
            return { outcome: manifest.format === 'onnx' ? 'loaded' : 'checked' } as const;
          }),
      },
      activator: {
        activate: (manifest) =>
          call(`activate ${manifest.version}`, () => {
            if (this.inactivable.has(manifest.version)) throw new Error('no space left on device');
            if (!this.contents.has(keyOf(manifest))) throw new Error('it is not here');
            this.inForce.set(manifest.model_id, manifest.version);
          }),
        deactivate: (modelId) => call('deactivate', () => void this.inForce.delete(modelId)),
      },
      status: { changed: () => {} },
      audit: { note: (event, data) => isAlive() && this.events.push([event, data]) },
      clock: this.clock,
      logger: silentLogger,
    });
    return { reconciler, ended: ended.promise };
  }

  row(modelId = 'acme/detector'): Deployed | undefined {
    return this.rows.get(modelId as ModelId);
  }

  /** What counts in the end, without times. */
  state() {
    const rows = [...this.rows.values()].map(({ modelId, version, step, status, inForce, previous, error, owned }) => ({
      ...{ modelId, version, step, status, inForce, previous: previous?.version, error: error?.code },
      owned: owned.map((content) => content.version).sort(),
    }));
    return { rows, contents: [...this.contents].sort(), inForce: Object.fromEntries(this.inForce) };
  }
}

function keyOf({
  model_id,
  version,
}: { model_id: string; version: string } | (ContentKey & { model_id: string })): string {
  return `${model_id}@${version}`;
}
