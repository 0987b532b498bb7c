import { expect, test } from 'vitest';
import { planDesired } from './plan-desired.ts';
import { known, manifest, NOW_MS, node, nodeId, order, planInput, rule } from './samples.fixture.ts';

const COUNT = 1000;
const ROLES = ['edge', 'gateway', 'worker'];

/** Each third model is ordered, some to a few nodes only; the rest comes by rules and roles. */
function largeFleet() {
  const nodes = Array.from({ length: COUNT }, (_, index) => ({
    facts: node(`Node${index}`, { role: ROLES[index % 3] ?? '', memoryMb: 1024 * (1 + (index % 16)) }),
    online: true,
  }));
  const manifests = Array.from({ length: COUNT }, (_, index) =>
    manifest(`model-${index}`, `1.${index % 10}.0`, {
      needs: { min_memory_mb: 512 * (index % 20), architectures: ['x86_64', 'arm64'] },
      deployment: { replicas: index % 4 === 0 ? 5 : 0, roles: index % 2 === 0 ? [] : ['edge'] },
    }),
  );
  const rules = [
    rule({ name: 'all', conditions: { role: 'worker' }, models: [{ name: '*', version: '>=1.2' }], replicas: 3 }),
  ];
  const orders = manifests
    .filter((_, index) => index % 3 === 0)
    .map((one, index) => order(one, index % 2 === 0 ? { replicas: 7 } : {}));
  const sets = [{ name: 'default', rules, author: nodeId('Admin'), orderedAtMs: NOW_MS - 1 }];
  return { nodes, manifests: manifests.map((one) => known(one)), rules: sets, orders };
}

test('hundreds of rules for one replica of every model are planned in seconds, not in minutes', () => {
  const { nodes, manifests } = largeFleet();
  const rules = Array.from({ length: 300 }, (_, index) => rule({ name: `r${index}`, replicas: 1 }));
  const sets = [{ name: 'default', rules, author: nodeId('Admin'), orderedAtMs: NOW_MS - 1 }];
  const input = planInput(nodes[1]?.facts ?? node('None'), { nodes, manifests, rules: sets });
  const before = process.cpuUsage();
  planDesired(input);
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1000).toBeLessThan(5000);
});

test('a node of a thousand plans a thousand models well under a second', () => {
  const fleet = largeFleet();
  const [first] = fleet.nodes;
  const input = planInput(first?.facts ?? node('None'), fleet);
  const before = process.cpuUsage();
  const wishes = planDesired(input);
  const { user, system } = process.cpuUsage(before);
  expect(wishes.length).toBeGreaterThan(100);
  expect((user + system) / 1000).toBeLessThan(1000);
});
