/** `models/mesh.yaml`: the mesh's models for people's eyes, written whole and never read. Spec: docs/spec/09-registry.md §9. */
import { stringify } from 'yaml';
import { compareVersions } from '../protocol/index.ts';
import { writeView } from './registry-view.ts';

/** A version of a model, and who has it. */
export interface MeshViewVersion {
  readonly modelId: string;
  readonly version: string;
  /** Names of those that have it now. */
  readonly nodes: readonly string[];
  readonly firstSeenMs: number | undefined;
  readonly deprecated: boolean;
}

/** The YAML text: versions in their order, oldest first. */
export function toMeshYaml(versions: readonly MeshViewVersion[]): string {
  const byModel = [...Map.groupBy(versions, ({ modelId }) => modelId)].sort(([a], [b]) => (a < b ? -1 : 1));
  const models = byModel.map(([modelId, ofModel]) => {
    const ordered = ofModel.toSorted((a, b) => compareVersions(a.version, b.version));
    return [modelId, { versions: new Map(ordered.map((one) => [one.version, toEntry(one)])) }] as const;
  });
  // Maps keep their order, and a model may be called `__proto__`.
  return stringify({ mesh_models: new Map(models) }, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** So that readers see the old one or the new one. */
export async function writeMeshView(path: string, versions: readonly MeshViewVersion[]): Promise<void> {
  await writeView(path, toMeshYaml(versions));
}

function toEntry({ nodes, firstSeenMs, deprecated }: MeshViewVersion): object {
  return {
    nodes: nodes.toSorted(),
    ...(firstSeenMs === undefined ? {} : { first_seen: new Date(firstSeenMs).toISOString() }),
    ...(deprecated ? { deprecated: true } : {}),
  };
}
