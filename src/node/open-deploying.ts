/**
 * What should be where, and bringing it about: staged rollouts, and deployment at this node, for the fleet as it describes itself.
 * The parts know each other by their ports alone. Spec: docs/spec/17-deployment.md, 19-rollout.md.
 */
import { messageOf, type NodeId } from '../core/index.ts';
import type { NodeParts } from './control/parts.ts';
import { openDeployment } from './deployment/open-deployment.ts';
import { openRollouts } from './deployment/open-rollouts.ts';
import type { ManifestsView } from './deployment/ports.ts';
import { RolloutBook } from './deployment/rollout-book.ts';
import type { Manifests } from './manifests/manifests.ts';
import type { FleetParts } from './open-fleet.ts';
import type { Askable } from './pull/holder-wait.ts';
import type { Surroundings } from './surroundings.ts';

type Needed =
  | ('mesh' | 'catalog' | 'access' | 'audit' | 'consent' | 'library' | 'manifests' | 'deprecations')
  | ('formatGate' | 'exchange' | 'runtimes' | 'transfers');

export interface DeployingOptions extends Pick<NodeParts, Needed>, FleetParts {
  readonly askable: Askable;
}

export type DeployingParts = Pick<NodeParts, 'deployment' | 'rollouts' | 'startDeploying'>;

export function openDeploying(
  around: Surroundings,
  options: DeployingOptions,
  stack: AsyncDisposableStack,
): DeployingParts {
  const { registry, home, clock, logger, config } = around;
  const { mesh, access, nodes, rules, describe, deprecations, formatGate: gate, runtimes } = options;
  const manifests = manifestsView(options.manifests);
  const book = stack.use(new RolloutBook({ mesh, access, clock, logger }));
  const own = { home: home.folder, registry, mirrors: config.mirrors ?? [], clock, logger };
  const known = { nodes, manifests, rules, rollouts: book, deprecations: deprecationsView(deprecations) };
  const deployment = openDeployment({ ...options, ...own, ...known, gate, runtime: runtimes.probe }, stack);
  stack.defer(options.exchange.available.on(() => deployment.wake()));
  const { statuses } = deployment;
  const { audit } = options;
  const rollouts = openRollouts({ mesh, access, nodes, manifests, statuses, book, audit, clock, logger }, stack);
  return {
    ...{ deployment, rollouts },
    startDeploying() {
      const onFailure = (thrown: unknown) => logger.error({ err: messageOf(thrown) }, 'deployment did not begin well');
      describe()
        .catch(onFailure)
        .then(() => deployment.start())
        .catch(onFailure);
    },
  };
}

/** Those that count, and this node's own. */
function manifestsView(manifests: Manifests): ManifestsView {
  return {
    known: () =>
      manifests.all().map((manifest) => {
        const author = manifest.signature?.signer as NodeId | undefined;
        return { manifest, publishedAtMs: manifest.revision, author };
      }),
    find: ({ model_id: modelId, version, sha256 }) => manifests.find({ modelId, version, sha256 }),
    changes: manifests.changes,
  };
}

function deprecationsView(deprecations: NodeParts['deprecations']) {
  return {
    list: () => deprecations.list().map(({ modelId, version }) => ({ model_id: modelId, version })),
    changes: deprecations.changes,
  };
}
