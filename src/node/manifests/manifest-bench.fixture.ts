/** Nodes with a real library, database and record log; what one says the others hear when they are told. */
import { readFileSync } from 'node:fs';
import { Emitter, silentLogger } from '../../core/index.ts';
import type { MembershipEvent } from '../../mesh/index.ts';
import { RecordLog } from '../../mesh/record-log.ts';
import type { ModelAccess, ModelManifest } from '../../protocol/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import type { TestMesh } from '../../testkit/mesh-members.ts';
import type { VirtualClock } from '../../testkit/virtual-clock.ts';
import type { Identity } from '../../trust/index.ts';
import { LibraryBench } from '../library/found.fixture.ts';
import { NODE_LIMITS } from '../limits.ts';
import { Manifests } from './manifests.ts';

export class ManifestNode implements AsyncDisposable {
  readonly identity: Identity;
  readonly bench: LibraryBench;
  readonly log: RecordLog;
  readonly policy: { current: ModelAccess | undefined; readonly changes: Emitter<void> };
  readonly #clock: VirtualClock;
  manifests: Manifests;

  private constructor(identity: Identity, bench: LibraryBench, clock: VirtualClock) {
    this.identity = identity;
    this.bench = bench;
    this.#clock = clock;
    this.log = new RecordLog({ identity, store: bench.registry.records, clock, logger: silentLogger });
    this.policy = { current: undefined, changes: new Emitter() };
    this.manifests = this.#open();
  }

  static async open(mesh: TestMesh, role: string, clock: VirtualClock, name = role): Promise<ManifestNode> {
    return new ManifestNode(mesh.member(name, { role }), await LibraryBench.open(), clock);
  }

  /** As after a restart. */
  reopen(): void {
    this.manifests[Symbol.dispose]();
    this.manifests = this.#open();
  }

  async have(...args: Parameters<LibraryBench['have']>): Promise<LocalModel> {
    const { modelId } = await this.bench.have(...args);
    await this.settle();
    return this.model(modelId);
  }

  /** Takes a model of one file as a pull would, from a node that has the same bytes. */
  async pull(modelId: string, holder: ManifestNode): Promise<LocalModel> {
    const entry = holder.bench.library.entries().find(({ model_id }) => model_id === modelId);
    const [file] = holder.model(modelId).files;
    if (entry === undefined || file?.sha256 === undefined || file.pieceRoot === undefined)
      throw new Error(`${modelId} cannot be pulled`);
    await this.bench.store.put(file.sha256, readFileSync(file.absolutePath));
    const one = { path: file.path, size_bytes: file.sizeBytes, sha256: file.sha256, piece_root: file.pieceRoot };
    await this.bench.library.install({ entry, files: [one], sourceNode: holder.identity.nodeId });
    await this.settle();
    return this.model(modelId);
  }

  model(modelId: string): LocalModel {
    const model = this.bench.library.list().find((one) => one.modelId === modelId);
    if (model === undefined) throw new Error(`${modelId} is not in the library`);
    return model;
  }

  /** The one that counts. */
  manifestOf(modelId: string): ModelManifest | undefined {
    return this.manifests.all().find((one) => one.model_id === modelId);
  }

  async settle(): Promise<void> {
    await this.#clock.advance(NODE_LIMITS.manifestSettleMs);
  }

  /** Everything that this node has, as reconciliation would bring it. */
  async tell(...others: readonly ManifestNode[]): Promise<void> {
    for (const other of others) {
      const records = [...this.log.list({ kind: 'certificate' }), ...this.log.list()];
      for (const record of records) other.log.accept(record, undefined);
      await other.settle();
    }
  }

  setPolicy(policy: ModelAccess | undefined): void {
    this.policy.current = policy;
    this.policy.changes.emit();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.manifests[Symbol.dispose]();
    await this.bench[Symbol.asyncDispose]();
  }

  #open(): Manifests {
    const { identity, log, policy, bench } = this;
    const clock = this.#clock;
    return new Manifests({
      mesh: {
        ...{ nodeId: identity.nodeId, role: identity.certificate.role, identity },
        records: (filter) => log.list(filter),
        recordEvents: log.events,
        membershipEvents: new Emitter<MembershipEvent>(),
        publish: (draft) => log.publish(draft),
      },
      access: {
        changes: policy.changes,
        get current() {
          return policy.current;
        },
        orderContext: () => ({
          certificateOf: (nodeId) => log.certificateOf(nodeId),
          isRevoked: (nodeId) => log.isRevoked(nodeId),
          policy: policy.current,
          nowMs: clock.nowMs(),
        }),
      },
      library: bench.library,
      rows: bench.registry.manifests,
      clock,
      logger: silentLogger,
    });
  }
}
