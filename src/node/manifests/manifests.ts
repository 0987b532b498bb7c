/**
 * Every manifest that this node knows: those of the mesh that count, and of models on this machine that nobody signed what is
 * generated from their headers and the owner's words. Spec: docs/spec/16-manifests.md §8, §10.
 */
import { type Clock, compareText, Emitter, every, type Logger } from '../../core/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import {
  type Ancestor,
  compareVersions,
  lineageOf,
  type ModelManifest,
  manifestKey,
  type ParentRef,
  PROTOCOL_LIMITS,
} from '../../protocol/index.ts';
import type { LocalModel, ManifestRepository, ManifestRowKey } from '../../registry/index.ts';
import { checkManifest } from '../../trust/index.ts';
import type { AccessPolicy } from '../access/access-policy.ts';
import { NodeError } from '../errors.ts';
import { descriptionOf } from '../library/local-entry.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import { NODE_LIMITS } from '../limits.ts';
import { LocalManifests } from './local-manifests.ts';
import { ManifestBook } from './manifest-book.ts';
import { ManifestPublisher } from './manifest-publisher.ts';
import { completeManifest, wordsOf } from './owner-words.ts';

export interface ManifestsOptions {
  readonly mesh: Pick<
    Mesh,
    'nodeId' | 'role' | 'identity' | 'records' | 'recordEvents' | 'membershipEvents' | 'publish'
  >;
  readonly access: Pick<AccessPolicy, 'current' | 'changes' | 'orderContext'>;
  readonly library: Pick<ModelLibrary, 'list' | 'changes'>;
  readonly rows: ManifestRepository;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class Manifests implements Disposable {
  /** After what happened, when it has settled: once for all that changed together. */
  readonly changes: Emitter<void>;
  readonly #options: ManifestsOptions;
  readonly #book: ManifestBook;
  readonly #local: LocalManifests;
  readonly #publisher: ManifestPublisher;
  readonly #stops: (() => void)[] = [];
  /** By key, withdrawn ones too; then those in force, and those in order. Made when they are asked for. */
  #known: ReadonlyMap<string, ModelManifest> | undefined;
  #inForce: ReadonlyMap<string, ModelManifest> | undefined;
  #sorted: readonly ModelManifest[] | undefined;
  #told: ReadonlyMap<string, ModelManifest>;
  #cancelSettle: (() => void) | undefined;

  constructor(options: ManifestsOptions) {
    this.#options = options;
    const { mesh, access: policy, library, rows: revisions, clock, logger } = options;
    this.changes = new Emitter((thrown) => logger.error({ err: thrown }, 'a listener to manifests failed'));
    this.#book = new ManifestBook({ mesh, policy, revisions, clock, logger });
    this.#local = new LocalManifests(options.rows, clock);
    this.#publisher = new ManifestPublisher({ ...options, book: this.#book, local: this.#local });
    this.#told = this.#counting();
    const changed = () => this.#changed();
    this.#stops.push(
      this.#book.changes.on(changed),
      library.changes.on(changed),
      policy.changes.on(changed),
      mesh.membershipEvents.on(changed),
      every(clock, NODE_LIMITS.manifestLookEveryMs, () => this.#publishDue()),
      () => this.#book[Symbol.dispose](),
    );
    this.#changed();
  }

  [Symbol.dispose](): void {
    this.#cancelSettle?.();
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** All that count, by id and newest version first. The same list as long as nothing changes. */
  all(): readonly ModelManifest[] {
    this.#sorted ??= [...this.#counting().values()].sort(byNameNewestFirst);
    return this.#sorted;
  }

  /** Of exactly this content. */
  find({ modelId, version, sha256 }: ManifestRowKey): ModelManifest | undefined {
    return this.#counting().get(manifestKey({ model_id: modelId, version, sha256 }));
  }

  /** Withdrawn ones too. The newest version without one; of several contents under one version the one signed last. */
  lookUp(modelId: string, version?: string, sha256?: string): ModelManifest | undefined {
    return [...this.#all().values()]
      .sort(byNameNewestFirst)
      .find(
        (one) =>
          one.model_id === modelId && (version ?? one.version) === one.version && (sha256 ?? one.sha256) === one.sha256,
      );
  }

  /** Of a model on this machine, whatever counts; undefined while it is not ready. */
  manifestHere(model: LocalModel): ModelManifest | undefined {
    const [key, plain] = [this.#local.keyOf(model), this.#local.manifestOf(model)];
    return key === undefined || plain === undefined ? undefined : (this.#book.get(key) ?? plain);
  }

  /** The fields that the owner of this machine gave. */
  ownWords(model: LocalModel): readonly string[] {
    return Object.keys(this.#local.wordsOf(model));
  }

  mayWrite(modelId: string): boolean {
    return this.#publisher.mayWrite(modelId);
  }

  /** Nearest first. Throws ProtocolError `bad_lineage`. */
  lineageOf(manifest: ModelManifest): readonly Ancestor[] {
    return lineageOf(manifest, ({ modelId, version }: ParentRef) => this.lookUp(modelId, version));
  }

  /**
   * The owner's manifest of a model on this machine; signed and published where this node may. What a partial one leaves out is
   * as it was found; what a whole one leaves out is not to be.
   * Throws NodeError `manifest_mismatch`, `model_not_ready`, `not_permitted`, ProtocolError `bad_lineage`, `too_large`.
   */
  describe(model: LocalModel, said: ModelManifest, isPartial: boolean): ModelManifest {
    const base = this.#baseOf(model);
    const wanted = isPartial ? completeManifest(base, said) : said;
    const words = wordsOf(base, wanted);
    this.lineageOf({ ...wanted, model_id: base.model_id, version: base.version });
    if (this.#book.get(manifestKey(base)) !== undefined) this.#publisher.insistOnWriting(base.model_id);
    this.#local.setWords(model, words);
    this.#changed();
    this.#publishDue();
    return this.manifestHere(model) ?? base;
  }

  /** Signs a manifest, and tells the mesh: what was withdrawn counts again. Throws NodeError `not_permitted`. */
  publish(manifest: ModelManifest): ModelManifest {
    return this.#sayWithdrawn(manifest, false);
  }

  /** Nothing is deployed by it any more. Throws NodeError `not_permitted`. */
  withdraw(manifest: ModelManifest): ModelManifest {
    return this.#sayWithdrawn(manifest, true);
  }

  /** What a model came with by another way than the mesh: kept with it where a member signed it who may. */
  keepReceived(manifest: ModelManifest): void {
    const { access, clock } = this.#options;
    const isFromFuture = manifest.revision > clock.nowMs() + PROTOCOL_LIMITS.clockSkewMs;
    if (isFromFuture || checkManifest(manifest, access.orderContext()) !== undefined) return;
    const key = manifestKey(manifest);
    const here = this.#options.library.list().find((model) => this.#local.keyOf(model) === key);
    if (here === undefined || descriptionOf(here).isPulled !== true) return;
    this.#local.keep(here, manifest);
    this.#changed();
  }

  #sayWithdrawn(manifest: ModelManifest, withdrawn: boolean): ModelManifest {
    this.#publisher.insistOnWriting(manifest.model_id);
    const key = manifestKey(manifest);
    const here = this.#options.library.list().find((model) => this.#local.keyOf(model) === key);
    if (here !== undefined) this.#local.setWithdrawn(here, withdrawn);
    const signed = this.#publisher.sign({ ...manifest, withdrawn });
    this.#forget();
    return signed;
  }

  #publishDue(): void {
    const isAll = this.#publisher.publishDue();
    this.#forget();
    if (!isAll) this.#changed();
  }

  #baseOf(model: LocalModel): ModelManifest {
    const base = this.#local.baseOf(model);
    if (base !== undefined) return base;
    const { modelId, state } = model;
    throw new NodeError('model_not_ready', `Describing ${modelId}: it is ${state}, wanted ready`);
  }

  #all(): ReadonlyMap<string, ModelManifest> {
    if (this.#known !== undefined) return this.#known;
    const known = new Map<string, ModelManifest>();
    for (const model of this.#options.library.list()) {
      const [key, manifest] = [this.#local.keyOf(model), this.manifestHere(model)];
      if (key !== undefined && manifest !== undefined) known.set(key, manifest);
    }
    for (const key of this.#book.keys()) {
      const manifest = this.#book.get(key);
      if (manifest !== undefined) known.set(key, manifest);
    }
    this.#known = known;
    return known;
  }

  #counting(): ReadonlyMap<string, ModelManifest> {
    this.#inForce ??= new Map([...this.#all()].filter(([, { withdrawn }]) => !withdrawn));
    return this.#inForce;
  }

  #forget(): void {
    this.#known = undefined;
    this.#inForce = undefined;
    this.#sorted = undefined;
  }

  #changed(): void {
    this.#forget();
    this.#cancelSettle ??= this.#options.clock.after(NODE_LIMITS.manifestSettleMs, () => {
      this.#cancelSettle = undefined;
      this.#keepPulled();
      this.#publishDue();
      this.#tell();
    });
  }

  #tell(): void {
    const before = this.#told;
    this.#told = this.#counting();
    const isSame = [...this.#told].every(([key, manifest]) => before.get(key) === manifest);
    if (!isSame || before.size !== this.#told.size) this.changes.emit();
  }

  /** What a model came with stays with it when its publisher is gone. */
  #keepPulled(): void {
    for (const model of this.#options.library.list()) {
      if (descriptionOf(model).isPulled !== true || model.state !== 'ready') continue;
      const key = this.#local.keyOf(model);
      const counting = key === undefined ? undefined : this.#book.get(key);
      if (counting !== undefined) this.#local.keep(model, counting);
    }
  }
}

function byNameNewestFirst(one: ModelManifest, other: ModelManifest): number {
  return (
    compareText(one.model_id, other.model_id) ||
    compareVersions(other.version, one.version) ||
    other.revision - one.revision ||
    compareText(one.sha256, other.sha256)
  );
}
