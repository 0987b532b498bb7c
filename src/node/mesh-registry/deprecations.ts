/**
 * Which versions nobody should begin with any more: the newest word of somebody who may write the model counts. A word of one who
 * may not, or may no longer, is as if it were not there. Spec: docs/spec/09-registry.md §9.
 */
import { Emitter, type ModelId, type NodeId } from '../../core/index.ts';
import { MESH_LIMITS, type Mesh } from '../../mesh/index.ts';
import { type ModelDeprecation, parseModelDeprecation, type SignedRecord } from '../../protocol/index.ts';
import { mayWrite } from '../../trust/index.ts';
import type { AccessPolicy } from '../access/access-policy.ts';
import { NodeError } from '../errors.ts';
import { followKind } from '../follow-kind.ts';
import { deprecationKey } from './deprecation-key.ts';

export interface Deprecated {
  readonly modelId: ModelId;
  readonly version: string;
  readonly reason: string;
  readonly by: NodeId;
  readonly atMs: number;
}

export interface DeprecationsOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'records' | 'recordEvents' | 'membershipEvents' | 'publish'>;
  readonly access: Pick<AccessPolicy, 'current' | 'changes' | 'roleOf'>;
}

export class Deprecations implements Disposable {
  readonly changes = new Emitter<void>();
  readonly #options: DeprecationsOptions;
  readonly #stops: (() => void)[];
  #known: Map<string, Deprecated> | undefined;

  constructor(options: DeprecationsOptions) {
    this.#options = options;
    const { mesh, access } = options;
    this.#stops = [followKind(mesh, 'deprecation', () => this.#changed()), access.changes.on(() => this.#changed())];
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  of(modelId: string, version: string): Deprecated | undefined {
    return this.#all().get(`${modelId}\n${version}`);
  }

  list(): Deprecated[] {
    return [...this.#all().values()];
  }

  /** Tells the mesh. Throws NodeError `not_permitted` where this node's role may not write the model. */
  publish(modelId: ModelId, version: string, { deprecated, reason }: { deprecated: boolean; reason: string }): void {
    const { mesh, access } = this.#options;
    const role = access.roleOf(mesh.nodeId) ?? '';
    if (!mayWrite(access.current, modelId, role))
      throw new NodeError('not_permitted', `Deprecating ${modelId}: the role ${role} of this node may not write it`);
    const payload = { type: 'model_deprecated', model_id: modelId, version, deprecated, reason };
    mesh.publish({
      kind: 'deprecation',
      key: deprecationKey(modelId, version),
      payload,
      ttlMs: MESH_LIMITS.orderRecordLifeMs,
    });
    this.#changed();
  }

  #changed(): void {
    this.#known = undefined;
    this.changes.emit();
  }

  #all(): ReadonlyMap<string, Deprecated> {
    this.#known ??= this.#read();
    return this.#known;
  }

  #read(): Map<string, Deprecated> {
    const newest = new Map<string, { readonly record: SignedRecord; readonly word: ModelDeprecation }>();
    for (const record of this.#options.mesh.records({ kind: 'deprecation' })) {
      const word = this.#heeded(record);
      if (word === undefined) continue;
      const key = `${word.model_id}\n${word.version}`;
      const held = newest.get(key);
      if (held === undefined || isLater(record, held.record)) newest.set(key, { record, word });
    }
    const inForce = [...newest].filter(([, { word }]) => word.deprecated);
    return new Map(inForce.map(([key, { record, word }]) => [key, toDeprecated(record, word)]));
  }

  /** Undefined unless its author is a current member that may write the model, and it stands under its own key. */
  #heeded(record: SignedRecord): ModelDeprecation | undefined {
    const { access } = this.#options;
    const role = access.roleOf(record.author as NodeId);
    if (role === undefined) return undefined;
    try {
      const word = parseModelDeprecation(record.payload);
      if (record.key !== deprecationKey(word.model_id, word.version)) return undefined;
      return mayWrite(access.current, word.model_id, role) ? word : undefined;
    } catch {
      return undefined;
    }
  }
}

function isLater(one: SignedRecord, other: SignedRecord): boolean {
  return one.issued_at === other.issued_at ? one.author > other.author : one.issued_at > other.issued_at;
}

function toDeprecated(
  { author, issued_at }: SignedRecord,
  { model_id, version, reason }: ModelDeprecation,
): Deprecated {
  return { modelId: model_id, version, reason, by: author as NodeId, atMs: issued_at };
}
