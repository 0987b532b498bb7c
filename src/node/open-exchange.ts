/**
 * What this node knows of the mesh's models beyond who has them: since when, what is deprecated, what may be loaded here; and the
 * gossip by which models are found. Spec: docs/spec/09-registry.md §9, 17-deployment.md §7, §8.
 */
import { type NodeId, systemRandom } from '../core/index.ts';
import { type Fit, planFit } from '../deploy/index.ts';
import type { Mesh } from '../mesh/index.ts';
import {
  entryToManifest,
  type ModelManifest,
  type NodeCapabilities,
  parseManifest,
  parseNodeCapabilities,
} from '../protocol/index.ts';
import type { ModelCatalog, ModelVariant } from '../registry/index.ts';
import { mayRead } from '../trust/index.ts';
import type { AccessPolicy } from './access/access-policy.ts';
import type { NodeParts } from './control/parts.ts';
import { ModelExchange } from './exchange/model-exchange.ts';
import { codeSetting } from './gate/code-setting.ts';
import { FormatGate } from './gate/format-gate.ts';
import type { ModelLibrary } from './library/model-library.ts';
import { Deprecations } from './mesh-registry/deprecations.ts';
import { MeshRegistry } from './mesh-registry/mesh-registry.ts';
import type { Surroundings } from './surroundings.ts';

interface Opened {
  readonly mesh: Mesh;
  readonly catalog: ModelCatalog;
  readonly library: ModelLibrary;
  readonly access: AccessPolicy;
}

export type ExchangeParts = Pick<NodeParts, 'exchange' | 'deprecations' | 'meshRegistry' | 'formatGate'>;

export function openExchange(
  around: Surroundings,
  { mesh, catalog, library, access }: Opened,
  stack: AsyncDisposableStack,
): ExchangeParts {
  const { registry, home, clock, logger, config } = around;
  const deprecations = stack.use(new Deprecations({ mesh, access }));
  const sources = { catalog, library, deprecations, sightings: registry.sightings };
  const own = { nodeId: mesh.nodeId, name: around.name };
  const meshRegistry = stack.use(new MeshRegistry({ ...sources, own, viewPath: home.meshView, clock, logger }));
  const exchange = stack.use(
    new ModelExchange({
      ...{ mesh, catalog, library, clock, random: systemRandom, logger },
      mayRead: (modelId: string, nodeId: NodeId) => mayRead(access.current, modelId, access.roleOf(nodeId) ?? ''),
      isDeprecated: (modelId, version) => deprecations.of(modelId, version) !== undefined,
      fitter: () => fitterFor(mesh),
    }),
  );
  const formatGate = new FormatGate({
    ...{ library, nodeId: mesh.nodeId },
    orderContext: () => access.orderContext(),
    allowsCode: codeSetting(registry.settings, config.allowCode),
  });
  return { exchange, deprecations, meshRegistry, formatGate };
}

const FITS: Fit = { fit: 'yes', reasons: [] };

/** By what this node tells of itself, and by the published manifests; a model without one asks for nothing. */
function fitterFor(mesh: Mesh): (variant: ModelVariant) => Fit {
  const facts = mesh
    .records({ kind: 'capability', author: mesh.nodeId })
    .flatMap(({ payload }) => readOr(() => [parseNodeCapabilities(payload)], [] as NodeCapabilities[]))
    .at(0);
  if (facts === undefined) return () => FITS;
  const manifests = new Map<string, ModelManifest>();
  for (const { payload } of mesh.records({ kind: 'manifest' })) {
    const manifest = readOr(() => parseManifest(payload), undefined);
    if (manifest !== undefined) manifests.set(keyOf(manifest.model_id, manifest.version, manifest.sha256), manifest);
  }
  return ({ modelId, version, sha256, entry }) =>
    planFit(manifests.get(keyOf(modelId, version, sha256)) ?? entryToManifest(entry), facts);
}

function keyOf(modelId: string, version: string, sha256: string): string {
  return `${modelId}\n${version}\n${sha256}`;
}

/** What does not parse, a newer program's perhaps, is as if it were not there. */
function readOr<Value>(read: () => Value, otherwise: Value): Value {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
