/**
 * Signs and publishes this node's manifests where its role may write. Order of writes: the record first, then what is remembered of
 * it, so that a crash in between signs again and loses nothing. Spec: docs/spec/16-manifests.md §8.
 */
import { type Clock, type Logger, messageOf } from '../../core/index.ts';
import { MESH_LIMITS, type Mesh } from '../../mesh/index.ts';
import { type ModelManifest, manifestKey, shortManifest } from '../../protocol/index.ts';
import type { ManifestRepository } from '../../registry/index.ts';
import { mayWrite, signManifest } from '../../trust/index.ts';
import type { AccessPolicy } from '../access/access-policy.ts';
import { NodeError } from '../errors.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import { NODE_LIMITS } from '../limits.ts';
import type { LocalManifests } from './local-manifests.ts';
import type { ManifestBook } from './manifest-book.ts';
import { planPublishing } from './plan-publishing.ts';

export interface ManifestPublisherOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'role' | 'identity' | 'publish'>;
  readonly access: Pick<AccessPolicy, 'current'>;
  readonly library: Pick<ModelLibrary, 'list'>;
  readonly rows: Pick<ManifestRepository, 'revisionOf'>;
  readonly book: ManifestBook;
  readonly local: LocalManifests;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ManifestPublisher {
  readonly #options: ManifestPublisherOptions;

  constructor(options: ManifestPublisherOptions) {
    this.#options = options;
  }

  mayWrite(modelId: string): boolean {
    const { mesh, access } = this.#options;
    return mayWrite(access.current, modelId, mesh.role);
  }

  /** Throws NodeError `not_permitted`. */
  insistOnWriting(modelId: string): void {
    if (this.mayWrite(modelId)) return;
    const { role } = this.#options.mesh;
    throw new NodeError('not_permitted', `Writing the manifest of ${modelId}: the role ${role} may not`, {
      data: { model_id: modelId, role, right: 'write' },
    });
  }

  /**
   * False while more is due than is signed at once. Called by timers: what it throws would end the daemon. What failed is tried again
   * at the next change or look.
   */
  publishDue(): boolean {
    const { mesh, library, book, local, logger } = this.#options;
    try {
      const due = planPublishing({
        nodeId: mesh.nodeId,
        here: library.list().flatMap((model) => local.modelHere(model) ?? []),
        own: book.publishedBy(mesh.nodeId),
        counting: (key) => book.get(key),
        mayWrite: (modelId) => this.mayWrite(modelId),
      });
      for (const manifest of due.slice(0, NODE_LIMITS.manifestsAtOnce)) this.sign(manifest);
      return due.length <= NODE_LIMITS.manifestsAtOnce;
    } catch (thrown) {
      logger.warn({ reason: messageOf(thrown) }, 'the mesh was not told a manifest');
      return true;
    }
  }

  /** Throws MeshError `record_refused`. */
  sign(manifest: ModelManifest): ModelManifest {
    const { mesh, rows, local, clock } = this.#options;
    const { model_id: modelId, version, sha256 } = manifest;
    const signer = { id: mesh.nodeId, privateKey: mesh.identity.nodeKey };
    const before = rows.revisionOf({ modelId, version, sha256 });
    const signed = signManifest(manifest, { signer, nowMs: clock.nowMs(), before });
    const payload = shortManifest(signed);
    mesh.publish({ kind: 'manifest', key: manifestKey(signed), payload, ttlMs: MESH_LIMITS.orderRecordLifeMs });
    local.keepSigned(signed);
    return signed;
  }
}
