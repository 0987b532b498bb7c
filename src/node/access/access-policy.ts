/**
 * The access policy in force on this node: of the admins' words the newest, read anew whenever one of them, or an admin, changes.
 * An admin's node says its own word again in time, so that a policy does not run out unnoticed. Where nobody's word counts any more,
 * as after the only admin that said one was put out, who may **read** stays as it was. Spec: docs/spec/20-access.md §1.
 */
import { type Clock, Emitter, every, type Logger, messageOf, type NodeId } from '../../core/index.ts';
import { isPastHalfLife, MESH_LIMITS, type Mesh } from '../../mesh/index.ts';
import { type ModelAccess, parseModelAccess, type SignedRecord } from '../../protocol/index.ts';
import type { Registry } from '../../registry/index.ts';
import { checkCertificateTimes, mayRead, type OrderContext, policyInForce } from '../../trust/index.ts';
import { followKind } from '../follow-kind.ts';
import { NODE_LIMITS } from '../limits.ts';

export interface AccessPolicyOptions {
  readonly mesh: Mesh;
  readonly settings: Registry['settings'];
  readonly clock: Clock;
  readonly logger: Logger;
}

const KEPT = 'access_policy';

export class AccessPolicy implements Disposable {
  /** Another policy counts. */
  readonly changes = new Emitter<void>();
  readonly #options: AccessPolicyOptions;
  readonly #stops: (() => void)[] = [];
  #record: SignedRecord | undefined;
  #policy: ModelAccess | undefined;

  constructor(options: AccessPolicyOptions) {
    this.#options = options;
    const { mesh, clock } = options;
    this.#read();
    this.#stops.push(
      followKind(mesh, 'access', () => this.#look()),
      every(clock, NODE_LIMITS.policyLookEveryMs, () => this.#renew()),
    );
    this.#renew();
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** Undefined: the defaults hold. */
  get current(): ModelAccess | undefined {
    return this.#policy;
  }

  /** Who said it, and when. */
  get record(): SignedRecord | undefined {
    return this.#record;
  }

  /** The role of a current member. */
  roleOf(nodeId: NodeId): string | undefined {
    const { mesh, clock } = this.#options;
    const certificate = mesh.certificateOf(nodeId);
    const isRevoked = mesh.isRevoked.bind(mesh);
    if (certificate === undefined || checkCertificateTimes(certificate, clock.nowMs(), isRevoked) !== undefined)
      return undefined;
    return certificate.role;
  }

  /** May nodes of this role fetch every model? */
  mayReadAll(role: string): boolean {
    const named = ['*', ...Object.keys(this.#policy?.models ?? {})];
    return named.every((modelId) => mayRead(this.#policy, modelId, role));
  }

  /** What `checkManifest`, `checkOrder` and `checkRollout` are asked with now. */
  orderContext(): OrderContext {
    const { mesh, clock } = this.#options;
    return {
      certificateOf: mesh.certificateOf.bind(mesh),
      isRevoked: mesh.isRevoked.bind(mesh),
      policy: this.#policy,
      nowMs: clock.nowMs(),
    };
  }

  /** This admin's word, for all. Throws MeshError `record_refused`. */
  publish(policy: ModelAccess): void {
    this.#options.mesh.publish({ kind: 'access', key: '', payload: policy, ttlMs: MESH_LIMITS.orderRecordLifeMs });
  }

  #look(): void {
    const before = this.#record?.signature.signature;
    this.#read();
    if (this.#record?.signature.signature !== before) this.changes.emit();
  }

  #read(): void {
    const { mesh } = this.#options;
    const context = { certificateOf: mesh.certificateOf.bind(mesh), isRevoked: mesh.isRevoked.bind(mesh) };
    this.#record = policyInForce(mesh.records({ kind: 'access' }), context);
    this.#policy = this.#record === undefined ? this.#kept() : this.#keep(parseModelAccess(this.#record.payload));
  }

  #keep(policy: ModelAccess): ModelAccess {
    const { mesh, settings } = this.#options;
    const kept = { mesh_id: mesh.meshId, policy };
    if (JSON.stringify(settings.get(KEPT)) !== JSON.stringify(kept)) settings.set(KEPT, kept);
    return policy;
  }

  /** What was private stays so until an admin says otherwise; nobody keeps a right to order. */
  #kept(): ModelAccess | undefined {
    const { mesh, settings, logger } = this.#options;
    const kept = settings.get(KEPT) as { mesh_id?: unknown; policy?: unknown } | undefined;
    if (kept?.mesh_id !== mesh.meshId) return undefined;
    const { models } = parseModelAccess(kept.policy);
    const readers = Object.entries(models).flatMap(([id, { read }]) => (read === undefined ? [] : [[id, { read }]]));
    logger.warn({ models: readers.length }, 'no access policy is in force: who may read stays as it was');
    return { type: 'model_access', models: Object.fromEntries(readers) };
  }

  /** Half of its life is over: the same again, where it is this node's word that counts. */
  #renew(): void {
    const { mesh, clock, logger } = this.#options;
    const record = this.#record;
    if (record === undefined || this.#policy === undefined || record.author !== mesh.nodeId) return;
    if (!isPastHalfLife(record, clock.nowMs())) return;
    try {
      this.publish(this.#policy);
    } catch (thrown) {
      logger.warn({ reason: messageOf(thrown) }, 'the access policy was not renewed');
    }
  }
}
