/**
 * What this node knows of the mesh's models beyond who has them: since when, what is deprecated, what may be loaded here; and the
 * gossip by which models are found. Spec: docs/spec/09-registry.md §9, 17-deployment.md §7, §8.
 */
import { type NodeId, systemRandom } from '../core/index.ts';
import { planFit } from '../deploy/index.ts';
import { entryToManifest } from '../protocol/index.ts';
import { mayRead } from '../trust/index.ts';
import type { NodeParts } from './control/parts.ts';
import { ModelExchange } from './exchange/model-exchange.ts';
import { codeSetting } from './gate/code-setting.ts';
import { FormatGate } from './gate/format-gate.ts';
import { Deprecations } from './mesh-registry/deprecations.ts';
import { MeshRegistry } from './mesh-registry/mesh-registry.ts';
import type { Surroundings } from './surroundings.ts';

type Opened = Pick<NodeParts, 'mesh' | 'catalog' | 'library' | 'access' | 'manifests' | 'nodes'>;

export type ExchangeParts = Pick<NodeParts, 'exchange' | 'deprecations' | 'meshRegistry' | 'formatGate'>;

export function openExchange(
  around: Surroundings,
  { mesh, catalog, library, access, manifests, nodes }: Opened,
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
      fitOf: (variant) => planFit(manifests.find(variant) ?? entryToManifest(variant.entry), nodes.self()),
    }),
  );
  const formatGate = new FormatGate({
    ...{ library, nodeId: mesh.nodeId },
    orderContext: () => access.orderContext(),
    allowsCode: codeSetting(registry.settings, config.allowCode),
  });
  return { exchange, deprecations, meshRegistry, formatGate };
}
