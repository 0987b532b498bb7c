/** The rules that hold here: those that admins gave the mesh, and the owner's own file. Spec: docs/spec/18-rules.md §5. */
import { type Clock, Emitter, isNodeId, type Logger } from '../../core/index.ts';
import type { RuleSet } from '../../deploy/index.ts';
import { MESH_LIMITS, type Mesh } from '../../mesh/index.ts';
import { type DeploymentRule, parseDeploymentRules, type SignedRecord } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { followKind } from '../follow-kind.ts';
import type { OwnRulesFile } from './own-rules-file.ts';

export interface RulesBookOptions {
  readonly mesh: Pick<
    Mesh,
    'nodeId' | 'role' | 'records' | 'recordEvents' | 'membershipEvents' | 'publish' | 'certificateOf'
  >;
  readonly own: Pick<OwnRulesFile, 'set' | 'changes' | 'path' | 'complaints'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class RulesBook implements Disposable {
  readonly changes = new Emitter<void>();
  readonly #options: RulesBookOptions;
  readonly #stops: (() => void)[];
  #sets: readonly RuleSet[] | undefined;

  constructor(options: RulesBookOptions) {
    this.#options = options;
    const { mesh, own } = options;
    this.#stops = [followKind(mesh, 'rules', () => this.#changed()), own.changes.on(() => this.#changed())];
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  get own(): RulesBookOptions['own'] {
    return this.#options.own;
  }

  /** The same list until something changes; those that a later one replaces are among them. */
  sets(): readonly RuleSet[] {
    const { own } = this.#options;
    this.#sets ??= [...(own.set === undefined ? [] : [own.set]), ...this.#ofMesh()];
    return this.#sets;
  }

  /** Throws NodeError `not_permitted`. */
  verifyMayApply(): void {
    const { role } = this.#options.mesh;
    if (role === 'admin') return;
    throw new NodeError('not_permitted', `Applying rules: this node is ${role}, and admins alone may`, {
      data: { role },
    });
  }

  /** Signed and told to the mesh. Throws NodeError `not_permitted`; MeshError `record_refused`. */
  apply(rules: readonly DeploymentRule[]): void {
    this.verifyMayApply();
    const payload = { type: 'deployment_rules', rules: [...rules] };
    const ttlMs = MESH_LIMITS.orderRecordLifeMs;
    this.#options.mesh.publish({ kind: 'rules', key: DEFAULT_SET, payload, ttlMs });
  }

  #ofMesh(): RuleSet[] {
    return this.#options.mesh.records({ kind: 'rules' }).flatMap((record) => this.#read(record) ?? []);
  }

  /** Who was an admin and is none any more orders nothing. */
  #read({ author, key, issued_at: orderedAtMs, payload }: SignedRecord): RuleSet | undefined {
    const { mesh, logger } = this.#options;
    if (!isNodeId(author) || mesh.certificateOf(author)?.role !== 'admin') return undefined;
    try {
      return { name: key, rules: parseDeploymentRules(payload).rules, author, orderedAtMs };
    } catch {
      logger.warn({ author, key }, 'a record of rules holds none');
      return undefined;
    }
  }

  #changed(): void {
    this.#sets = undefined;
    this.changes.emit();
  }
}

const DEFAULT_SET = 'default';
