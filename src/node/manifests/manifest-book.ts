/**
 * The manifests that the mesh knows: of the records that count (docs/spec/16-manifests.md §8.4) the newest for each content.
 * What does not count now is kept in mind, because a certificate or a policy may come after it. All of a record's payload is
 * in its author's hand.
 */
import { type Clock, Emitter, type Logger, type NodeId } from '../../core/index.ts';
import { isPastHalfLife, type Lifetime, type Mesh, type RecordEvent } from '../../mesh/index.ts';
import {
  type ModelManifest,
  manifestKey,
  PROTOCOL_LIMITS,
  parseManifest,
  type SignedRecord,
} from '../../protocol/index.ts';
import type { ManifestRepository } from '../../registry/index.ts';
import { checkManifest, type ManifestFlaw, type OrderContext } from '../../trust/index.ts';
import type { OwnRecord } from './plan-publishing.ts';

export interface ManifestBookOptions {
  readonly mesh: Pick<Mesh, 'records' | 'recordEvents' | 'membershipEvents'>;
  readonly policy: { readonly changes: Emitter<void>; orderContext(): OrderContext };
  readonly revisions: Pick<ManifestRepository, 'revisionOf' | 'raiseRevision'>;
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Held {
  readonly manifest: ModelManifest;
  /** Of its record. */
  readonly life: Lifetime;
  /** Why it does not count. */
  flaw: ManifestFlaw | 'from_future' | 'outdated' | undefined;
}

export class ManifestBook implements Disposable {
  /** The key of a manifest that is another one now, or none any more. */
  readonly changes = new Emitter<string>();
  readonly #options: ManifestBookOptions;
  /** By key, then author. */
  readonly #held = new Map<string, Map<string, Held>>();
  readonly #stops: (() => void)[] = [];

  constructor(options: ManifestBookOptions) {
    this.#options = options;
    const { mesh, policy } = options;
    this.#readAll();
    this.#stops.push(
      mesh.recordEvents.on((event) => this.#onRecord(event)),
      mesh.membershipEvents.on(() => this.#startOver()),
      policy.changes.on(() => this.#judgeAgain(() => true)),
    );
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  keys(): Iterable<string> {
    return this.#held.keys();
  }

  /** The one that counts; it may be withdrawn. */
  get(key: string): ModelManifest | undefined {
    const counting = [...(this.#held.get(key)?.values() ?? [])].filter(({ flaw }) => flaw === undefined);
    return counting.map(({ manifest }) => manifest).reduce<ModelManifest | undefined>(newer, undefined);
  }

  /** What a node published, whether it counts or not, by key. */
  publishedBy(author: NodeId): Map<string, OwnRecord> {
    const nowMs = this.#options.clock.nowMs();
    const own = [...this.#held].flatMap(([key, ofKey]): [string, OwnRecord][] => {
      const held = ofKey.get(author);
      return held === undefined ? [] : [[key, { manifest: held.manifest, isOld: isPastHalfLife(held.life, nowMs) }]];
    });
    return new Map(own);
  }

  #readAll(): void {
    for (const record of this.#options.mesh.records({ kind: 'manifest' })) this.#take(record);
  }

  /** Another mesh: what the old one said counts no more. */
  #startOver(): void {
    const gone = [...this.#held.keys()];
    this.#held.clear();
    this.#readAll();
    for (const key of new Set([...gone, ...this.#held.keys()])) this.changes.emit(key);
  }

  #onRecord(event: RecordEvent): void {
    if (event.type === 'revoked') this.#forgetNode(event.nodeId);
    else this.#onChange(event.type === 'accepted', event.record);
  }

  #onChange(isNew: boolean, record: SignedRecord): void {
    if (record.kind === 'certificate') this.#judgeAgain(({ manifest }) => manifest.signature?.signer === record.key);
    if (record.kind !== 'manifest') return;
    if (isNew) this.#take(record);
    else this.#forget(record);
    this.changes.emit(record.key);
  }

  #take(record: SignedRecord): void {
    const manifest = this.#read(record);
    if (manifest === undefined) {
      this.#forget(record);
      return;
    }
    const held: Held = { manifest, life: record, flaw: undefined };
    const ofKey = this.#held.get(record.key) ?? new Map<string, Held>();
    this.#held.set(record.key, ofKey.set(record.author, held));
    this.#judge(held);
  }

  #read(record: SignedRecord): ModelManifest | undefined {
    try {
      const manifest = parseManifest(record.payload);
      if (manifestKey(manifest) === record.key) return manifest;
    } catch {
      // Below.
    }
    const { author, key } = record;
    this.#options.logger.warn({ author, key }, 'a manifest record does not hold the manifest that its key names');
    return undefined;
  }

  /** Remembers the revision of one that counts, so that an older one never does again. */
  #judge(held: Held): void {
    const { policy, revisions, clock } = this.#options;
    const { manifest } = held;
    const key = { modelId: manifest.model_id, version: manifest.version, sha256: manifest.sha256 };
    const nowMs = clock.nowMs();
    held.flaw = checkManifest(manifest, policy.orderContext());
    if (held.flaw !== undefined) return;
    if (manifest.revision > nowMs + PROTOCOL_LIMITS.clockSkewMs) held.flaw = 'from_future';
    const largest = revisions.revisionOf(key);
    if (manifest.revision < largest) held.flaw ??= 'outdated';
    else if (held.flaw === undefined && manifest.revision > largest)
      revisions.raiseRevision(key, manifest.revision, nowMs);
  }

  #judgeAgain(isMeant: (held: Held) => boolean): void {
    for (const [key, ofKey] of this.#held) {
      const meant = [...ofKey.values()].filter(isMeant);
      for (const held of meant) this.#judge(held);
      if (meant.length > 0) this.changes.emit(key);
    }
  }

  #forget({ key, author }: SignedRecord): void {
    const ofKey = this.#held.get(key);
    ofKey?.delete(author);
    if (ofKey?.size === 0) this.#held.delete(key);
  }

  /** Its records are gone from the mesh; what it signed and others passed on does not count any more. */
  #forgetNode(nodeId: NodeId): void {
    for (const [key, ofKey] of this.#held) {
      const wasThere = ofKey.delete(nodeId);
      if (ofKey.size === 0) this.#held.delete(key);
      if (wasThere) this.changes.emit(key);
    }
    this.#judgeAgain(({ manifest }) => manifest.signature?.signer === nodeId);
  }
}

function newer(best: ModelManifest | undefined, next: ModelManifest): ModelManifest {
  if (best === undefined || next.revision > best.revision) return next;
  if (next.revision < best.revision) return best;
  return signerOf(next) > signerOf(best) ? next : best;
}

function signerOf({ signature }: ModelManifest): string {
  return signature?.signer ?? '';
}
