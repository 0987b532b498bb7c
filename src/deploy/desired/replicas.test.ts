import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../core/index.ts';
import { vectorCases } from '../../testkit/vectors.ts';
import type { FleetNode, PlanInput } from '../types.ts';
import { FleetIndex } from './fleet-index.ts';
import { planDesiredOf } from './plan-desired.ts';
import { rankable, rankFor, rendezvousKey, rendezvousWeight } from './rendezvous.ts';
import { known, type ManifestChanges, manifest, node, order, planInput, rule } from './samples.fixture.ts';

const names = fc.uniqueArray(fc.stringMatching(/^[A-Za-z0-9]{4,8}$/), { minLength: 1, maxLength: 40 });

function online(all: readonly string[], changes: Parameters<typeof node>[1] = {}): FleetNode[] {
  return all.map((name) => ({ facts: node(name, changes), online: true }));
}

/** Names of the nodes that should have the model. */
function holders(nodes: readonly FleetNode[], changes: Partial<PlanInput>): string[] {
  const [first] = nodes;
  if (first === undefined) return [];
  const index = new FleetIndex(planInput(first.facts, { ...changes, nodes }));
  const has = ({ facts }: FleetNode) => planDesiredOf(index, { node: facts, pins: [] }).length > 0;
  return nodes.filter(has).map(({ facts }) => facts.node_name);
}

function spread(replicas: number, changes: ManifestChanges = {}): Partial<PlanInput> {
  return { orders: [order(manifest('m', '1.0.0', { ...changes, deployment: { replicas } }))] };
}

describe('replicas', () => {
  test('so many nodes have it, or all there are', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 12 }), (all, replicas) => {
        expect(holders(online(all), spread(replicas))).toHaveLength(Math.min(replicas, all.length));
      }),
      { numRuns: 60 },
    );
  });

  test('when a node goes only its replica moves; when one comes at most one moves to it', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 8 }), fc.nat(), (all, replicas, which) => {
        const gone = all[which % all.length];
        const before = holders(online(all), spread(replicas));
        const after = holders(online(all.filter((name) => name !== gone)), spread(replicas));
        const kept = before.filter((name) => name !== gone);
        expect(after).toEqual(expect.arrayContaining(kept));
        expect(after.length - kept.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 60 },
    );
  });

  test('every node computes the same, in whatever order it knows the others', () => {
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 8 }), (all, replicas) => {
        const forward = holders(online(all), spread(replicas));
        const backward = holders(online(all.toReversed()), spread(replicas));
        expect(backward.sort()).toEqual(forward.sort());
      }),
      { numRuns: 40 },
    );
  });

  test('models spread evenly over nodes', () => {
    const nodes = online(Array.from({ length: 20 }, (_, index) => `Node${index}`));
    const orders = Array.from({ length: 200 }, (_, index) => order(manifest(`model-${index}`), { replicas: 2 }));
    const index = new FleetIndex(planInput(node('Node0'), { orders, nodes }));
    const counts = nodes.map(({ facts }) => planDesiredOf(index, { node: facts, pins: [] }).length);
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(400);
    expect(Math.min(...counts)).toBeGreaterThan(5);
    expect(Math.max(...counts)).toBeLessThan(45);
  });

  test('a node that does not fit, is away, or may not read has none', () => {
    const needy = { needs: { min_memory_mb: 2048 } };
    const small = online(['SmallA', 'SmallB', 'SmallC'], { memoryMb: 1024 });
    const away = [{ facts: node('Away'), online: false }];
    const guests = online(['Guest'], { role: 'guest' });
    const nodes = [...small, ...away, ...guests, ...online(['Good'])];
    const mayRead = (_manifest: unknown, role: string) =>
      role === 'guest' ? { code: 'not_permitted', message: 'no' } : undefined;
    const access = { mayDeploy: () => undefined, mayRead };
    expect(holders(nodes, { ...spread(3, needy), access })).toEqual(['Good']);
  });

  test('who fits well comes before who fits all the same', () => {
    const needy = { needs: { min_vram_mb: 2048, execution_providers: ['cuda', 'cpu'] } };
    const cpus = online(['CpuA', 'CpuB', 'CpuC', 'CpuD']);
    const gpu = node('Gpu', { execution_providers: ['cuda', 'cpu'] });
    const nodes = [...cpus, { facts: { ...gpu, hardware: { ...gpu.hardware, vram_mb: 8192 } }, online: true }];
    const two = holders(nodes, spread(2, needy));
    expect(two).toHaveLength(2);
    expect(two).toContain('Gpu');
  });

  test('nodes that an order names all have it, unless it says how many with them', () => {
    const nodes = online(['A', 'B', 'C', 'D']);
    const named = nodes.slice(0, 3).map(({ facts }) => facts.node_id);
    const twice = manifest('m', '1.0.0', { deployment: { replicas: 1 } });
    expect(holders(nodes, { orders: [order(twice, { target_nodes: named })] })).toEqual(['A', 'B', 'C']);
    expect(holders(nodes, { orders: [order(twice, { target_nodes: named, replicas: 2 })] })).toHaveLength(2);
  });

  test('a rule spreads over the nodes that it is for, and a role over those of the role', () => {
    const nodes = [...online(['A', 'B', 'C']), ...online(['G', 'H'], { role: 'gateway' })];
    const one = rule({ name: 'r', conditions: { role: 'gateway' }, replicas: 1 });
    const rules = [{ name: 'default', rules: [one], author: undefined, orderedAtMs: 1 }];
    const byRule = holders(nodes, { rules, manifests: [known(manifest('m'))] });
    expect(byRule).toHaveLength(1);
    expect(['G', 'H']).toContain(byRule[0]);
    const meant = manifest('m', '1.0.0', { deployment: { roles: ['edge'], replicas: 2 } });
    const byRole = holders(nodes, { manifests: [known(meant)] });
    expect(byRole).toHaveLength(2);
    expect(['A', 'B', 'C']).toEqual(expect.arrayContaining(byRole));
  });

  test.each(vectorCases<RendezvousCase>('placement'))('%s', (_name, { model_id: modelId, nodes, weights, order }) => {
    const key = rendezvousKey(modelId);
    expect(nodes.map((id) => rendezvousWeight(rendezvousKey(id), key))).toEqual(weights);
    const ranked = rankable(nodes.toReversed() as NodeId[], (id) => id);
    expect([...rankFor(ranked, key)]).toEqual(order);
  });
});

interface RendezvousCase {
  readonly name: string;
  readonly model_id: string;
  readonly nodes: readonly string[];
  readonly weights: readonly number[];
  readonly order: readonly string[];
}
