/**
 * The packages of this node: what is installed, installing, and the agents of those in force. Brings what a crash left to its end.
 * Spec: docs/spec/21-packages.md §8.
 */
import { join } from 'node:path';
import { appendCustody, type PackagePapers, PartsInbox } from '../atmo/index.ts';
import type { NodeParts } from './control/parts.ts';
import { tierOfHardware } from './facts/own-facts.ts';
import { openAgents } from './open-agents.ts';
import { assembleShelf } from './packages/assemble-shelf.ts';
import { StoredModelGate } from './packages/judge-models.ts';
import { PackageTrustBook } from './packages/package-trust.ts';
import type { InstallOptions } from './packages/ports.ts';
import type { Surroundings } from './surroundings.ts';

type Needed = 'mesh' | 'access' | 'audit' | 'library' | 'manifests' | 'nodes' | 'formatGate' | 'freeBytes' | 'httpUrl';

export type PackageParts = Pick<NodeParts, 'packages' | 'packageTrust' | 'partsInbox' | 'agents'>;

export async function openPackages(
  around: Surroundings,
  parts: Pick<NodeParts, Needed>,
  stack: AsyncDisposableStack,
): Promise<PackageParts> {
  const { registry, home, store, clock, logger } = around;
  const { mesh, access, audit, library, manifests, nodes, formatGate, freeBytes, httpUrl } = parts;
  const agents = openAgents(around, httpUrl, stack);
  const rows = registry.packages;
  const packageTrust = new PackageTrustBook({ mesh, access, trusted: rows.trust, rows, clock });
  const packages = assembleShelf({
    ...{ home: home.folder, rows, pieceLists: registry.pieceLists, store, library, clock, logger },
    ...{ judge: packageTrust, gate: new StoredModelGate({ store, formatGate }), audit, freeBytes },
    tier: () => nodes.self().tier ?? tierOfHardware(nodes.self().hardware),
    custody: { received: (papers, from) => custodyOf(around, mesh, papers, from) },
    keepManifest: (manifest) => manifests.keepReceived(manifest),
    isWanted: ({ modelId }) =>
      registry.deployments.list().some((row) => row.modelId === modelId) ||
      registry.pins.list().some((pin) => pin.modelId === modelId),
    // Before HTTP listens nothing is started: an agent is told where it does.
    startAgents: async () => (httpUrl() === '' ? undefined : await agents.apply()),
  });
  stack.use(packages);
  await packages.recover();
  let inbox: Promise<PartsInbox> | undefined;
  const partsInbox = () => {
    inbox ??= PartsInbox.open(join(home.folder, 'packages', 'incoming'));
    return inbox;
  };
  return { packages, packageTrust, partsInbox, agents };
}

/** This node's own line behind those that came. */
function custodyOf(
  { name, clock }: Surroundings,
  mesh: NodeParts['mesh'],
  { manifest, custody }: PackagePapers,
  from: InstallOptions['from'],
): Buffer {
  const { nodeId, nodeKey } = mesh.identity;
  const certificate = mesh.certificateOf(nodeId);
  const text = appendCustody(custody?.bytes.toString('utf8') ?? '', {
    ...{ action: from.way === 'file' ? 'imported' : 'synced', manifest, by: { nodeId, name }, to: name },
    ...{ signer: { id: nodeId, privateKey: nodeKey }, nowMs: clock.nowMs() },
    ...(certificate === undefined ? {} : { certificate }),
  });
  return Buffer.from(text);
}
