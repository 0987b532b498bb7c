/** What deciding costs, alone: a plan for every node of a fleet, and a node's look that finds nothing to do. */
import { join } from 'node:path';
import { silentLogger, systemClock } from '../../src/core/index.ts';
import { FleetIndex, planDesired, planDesiredOf, Reconciler } from '../../src/deploy/index.ts';
import { DeploymentJournal } from '../../src/node/deployment/journal.ts';
import { openRegistry } from '../../src/registry/index.ts';
import { makeFullNode } from './full-node.ts';
import { makeFleet } from './made-fleet.ts';

/** Milliseconds for one index and for what each of `size` nodes should have of `size` models. What is read is read for the first time. */
export function measurePlanner(size: number): number {
  const fleet = makeFleet(size, size);
  const startedMs = performance.now();
  const index = new FleetIndex(fleet);
  let wishes = 0;
  for (const { facts } of fleet.nodes) wishes += planDesiredOf(index, { node: facts, pins: [] }).length;
  if (wishes < size) throw new Error(`only ${wishes} wishes: this fleet measures nothing`);
  return performance.now() - startedMs;
}

/**
 * Milliseconds of one look of a node that has all of `models` loaded: its plan made anew from everything that the mesh says, and
 * the comparison with its journal. The journal is a real one, on disk and in memory as in a node.
 */
export async function measureLook(
  folder: string,
  { nodes, models }: { nodes: number; models: number },
): Promise<number> {
  using registry = openRegistry(join(folder, `${crypto.randomUUID()}.db`));
  const input = makeFullNode(nodes, models);
  const journal = new DeploymentJournal(registry.deployments);
  let changes = 0;
  await using reconciler = new Reconciler({
    wishes: { desired: async () => planDesired(input()) },
    store: journal,
    fetcher: { isHere: async () => true, fetch: async () => {}, drop: async () => {} },
    gate: { judge: async () => [] },
    prober: { probe: async () => ({ outcome: 'loaded' }) },
    activator: { activate: async () => {}, deactivate: async () => {} },
    status: {
      changed: () => {
        changes += 1;
      },
    },
    audit: { note: () => {} },
    clock: systemClock,
    logger: silentLogger,
  });
  await reconciler.start();
  await reconciler.idle();
  const loaded = journal.list().filter(({ status }) => status === 'Loaded').length;
  if (loaded !== models) throw new Error(`${loaded} of ${models} are loaded: this look measures nothing`);
  changes = 0;
  const startedMs = performance.now();
  reconciler.wake();
  await reconciler.idle();
  if (changes > 0) throw new Error('there was something to do');
  return performance.now() - startedMs;
}
