/**
 * The access policy in force on this node: of the admins' words the newest, read anew whenever one of them, or an admin, changes.
 * An admin's node says its own word again in time, so that a policy does not run out unnoticed. Spec: docs/spec/20-access.md §1.
 */
import { type Clock, Emitter, every, type Logger, messageOf, type NodeId } from '../../core/index.ts';
import { isPastHalfLife, MESH_LIMITS, type Mesh } from '../../mesh/index.ts';
import { type ModelAccess, parseModelAccess, type SignedRecord } from '../../protocol/index.ts';
import { checkCertificateTimes, mayRead, type OrderContext, policyInForce } from '../../trust/index.ts';
import { followKind } from '../follow-kind.ts';
import { NODE_LIMITS } from '../limits.ts';

export interface AccessPolicyOptions {
  readonly mesh: Mesh;
  readonly clock: Clock;
  readonly logger: Logger;
}

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
    this.#policy = this.#record === undefined ? undefined : parseModelAccess(this.#record.payload);
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
