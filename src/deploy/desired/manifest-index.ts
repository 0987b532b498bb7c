/** Manifests by model, newest first, and those of a range: asked a thousand times a plan, answered once. */
import type { ModelId } from '../../core/index.ts';
import { compareVersions, isInRange } from '../../protocol/index.ts';
import type { Fleet, KnownManifest } from '../types.ts';

export interface ModelVersions {
  readonly modelId: ModelId;
  /** Newest first, none of them deprecated, never empty. */
  readonly versions: readonly KnownManifest[];
}

export class ManifestIndex {
  readonly #byModel: ReadonlyMap<string, ModelVersions>;
  readonly #byRole = new Map<string, readonly ModelVersions[]>();
  readonly #ranges = new Map<string, Map<string, ModelVersions | undefined>>();
  readonly #wholeRanges = new Map<string, readonly ModelVersions[]>();

  constructor({ manifests, deprecated }: Pick<Fleet, 'manifests' | 'deprecated'>) {
    const gone = new Set(deprecated.map(({ model_id: id, version }) => `${id}\n${version}`));
    const byModel = new Map<ModelId, KnownManifest[]>();
    for (const known of manifests) {
      const { model_id: modelId, version } = known.manifest;
      if (gone.has(`${modelId}\n${version}`)) continue;
      const versions = byModel.get(modelId);
      if (versions === undefined) byModel.set(modelId, [known]);
      else versions.push(known);
    }
    for (const versions of byModel.values()) versions.sort(newestFirst);
    this.#byModel = new Map([...byModel].map(([modelId, versions]) => [modelId, { modelId, versions }]));
  }

  /** Undefined where none is in the range. A range that is none has no versions in it. */
  inRange(modelId: string, range: string): ModelVersions | undefined {
    let ofRange = this.#ranges.get(range);
    if (ofRange === undefined) {
      ofRange = new Map();
      this.#ranges.set(range, ofRange);
    }
    if (!ofRange.has(modelId)) ofRange.set(modelId, narrow(this.#byModel.get(modelId), range));
    return ofRange.get(modelId);
  }

  /** Every model that has a version in the range. */
  allInRange(range: string): readonly ModelVersions[] {
    const known = this.#wholeRanges.get(range);
    if (known !== undefined) return known;
    const found = [...this.#byModel.keys()].flatMap((modelId) => this.inRange(modelId, range) ?? []);
    this.#wholeRanges.set(range, found);
    return found;
  }

  /** Models that are meant for nodes of this role, with those of their versions that are. */
  forRole(role: string): readonly ModelVersions[] {
    const known = this.#byRole.get(role);
    if (known !== undefined) return known;
    const found: ModelVersions[] = [];
    for (const { modelId, versions } of this.#byModel.values()) {
      const meant = versions.filter(({ manifest }) => manifest.deployment.roles.includes(role));
      if (meant.length > 0) found.push({ modelId, versions: meant });
    }
    this.#byRole.set(role, found);
    return found;
  }
}

function narrow(model: ModelVersions | undefined, range: string): ModelVersions | undefined {
  if (model === undefined || range === '*' || range === 'latest') return model;
  const versions = model.versions.filter(({ manifest }) => isIn(manifest.version, range));
  return versions.length === 0 ? undefined : { modelId: model.modelId, versions };
}

function isIn(version: string, range: string): boolean {
  try {
    return isInRange(version, range);
  } catch {
    return false;
  }
}

/** Of one version in several contents, the one published last; then by digest, so that all nodes agree. */
function newestFirst(a: KnownManifest, b: KnownManifest): number {
  return (
    compareVersions(b.manifest.version, a.manifest.version) ||
    b.publishedAtMs - a.publishedAtMs ||
    (a.manifest.sha256 < b.manifest.sha256 ? -1 : 1)
  );
}
