/** This node among the fleet: what it says of itself, what the others say of themselves, and the rules for all. */
import { join } from 'node:path';
import type { NodeParts } from './control/parts.ts';
import { NodeBook } from './facts/node-book.ts';
import { OwnFacts } from './facts/own-facts.ts';
import { ownerFacts } from './facts/owner-facts.ts';
import type { Manifests } from './manifests/manifests.ts';
import { OwnRulesFile } from './rules/own-rules-file.ts';
import { RulesBook } from './rules/rules-book.ts';
import type { Surroundings } from './surroundings.ts';

export interface FleetParts extends Pick<NodeParts, 'nodes' | 'rules'> {
  /** Describes the machine, reads the owner's rules, tells the mesh. Resolves when all is known. */
  readonly describe: () => Promise<void>;
}

type Opened = Pick<NodeParts, 'mesh' | 'catalog' | 'manifests' | 'runtimes' | 'freeBytes'>;

export function openFleet(around: Surroundings, opened: Opened, stack: AsyncDisposableStack): FleetParts {
  const { config, name, home, registry, clock, logger } = around;
  const { mesh, catalog, manifests, runtimes, freeBytes } = opened;
  const executionProviders = async () => {
    const state = await runtimes.onnx();
    return 'version' in state ? state.executionProviders : [];
  };
  const owner = ownerFacts(registry.settings, config.facts);
  const machine = { freeBytes, executionProviders };
  const { settings } = registry;
  const own = stack.use(new OwnFacts({ mesh, nodeName: name, owner, machine, settings, clock, logger }));
  const nodes = stack.use(new NodeBook({ mesh, own, catalog, clock }));
  const surroundings = () => ({ roles: rolesOf(nodes), versions: versionsOf(manifests) });
  const path = join(home.folder, 'config', 'deployment_rules.yaml');
  const file = stack.use(new OwnRulesFile({ path, clock, surroundings }));
  const rules = stack.use(new RulesBook({ mesh, own: file, clock, logger }));
  return { nodes, rules, describe: async () => void (await Promise.all([own.start(), file.start()])) };
}

function rolesOf(nodes: NodeBook): string[] {
  return [...new Set(nodes.nodes().map(({ facts }) => facts.role))];
}

/** Known versions by model id: rules that mean none of them are warned of. */
function versionsOf(manifests: Manifests): ReadonlyMap<string, readonly string[]> {
  const byModel = Map.groupBy(manifests.all(), ({ model_id }) => model_id as string);
  return new Map([...byModel].map(([id, all]) => [id, all.map(({ version }) => version)]));
}
