import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../core/index.ts';
import type { ModelStatusEntry, Rollout, RolloutState } from '../../protocol/index.ts';
import { NEW, nodeIdOf, OLD, specOf } from '../../testkit/rollout-sim/make-world.ts';
import { startRollout } from './change.ts';
import { chooseNodes, type RolloutNode } from './choose.ts';
import { goingOf, returnOf } from './node-word.ts';
import { planRollout } from './plan.ts';
import { quotaOf } from './waves.ts';
import { desiredVersionOf } from './wish.ts';

const NOW = 1_800_000_000_000;
const [a, b, c, d, e] = [0, 1, 2, 3, 4].map(nodeIdOf) as [NodeId, NodeId, NodeId, NodeId, NodeId];
const node = (nodeId: NodeId, architecture = 'x86_64', online = true): RolloutNode => ({
  nodeId,
  architecture,
  online,
});

function entryOf(manifest: typeof NEW, status: ModelStatusEntry['status'], more: Partial<ModelStatusEntry> = {}) {
  const { model_id, version, sha256 } = manifest;
  return { model_id, version, sha256, status, download_progress: 1, updated_at: '2030-01-01T00:00:00.000Z', ...more };
}

const BECAUSE = { because: `rollout:${specOf().rollout_id}` };
const well = entryOf(NEW, 'Loaded', BECAUSE);
const failed = entryOf(NEW, 'Failed', { ...BECAUSE, error: 'no such operator', error_code: 'probe_failed' });
const old = entryOf(OLD, 'Loaded');

function rolloutWith(state: Partial<RolloutState>, spec = specOf()): Rollout {
  const started = startRollout(spec, a, NOW);
  return { ...started, state: { ...started.state, ...state } };
}

test('quotaOf() rounds shares up, never beyond the fleet, never below the wave before', () => {
  const waves = ['1', '10%', '5', '50%', '100%'];
  const quotas = (total: number) => waves.map((_, index) => quotaOf(waves, index, total));
  expect(quotas(1000)).toEqual([1, 100, 100, 500, 1000]);
  expect(quotas(11)).toEqual([1, 2, 5, 6, 11]);
  expect(quotas(3)).toEqual([1, 1, 3, 3, 3]);
  expect(quotas(0)).toEqual([0, 0, 0, 0, 0]);
});

describe('chooseNodes()', () => {
  const candidates = Array.from({ length: 20 }, (_, index) => node(nodeIdOf(index), index < 18 ? 'x86_64' : 'aarch64'));
  const choice = { rolloutId: specOf().rollout_id, candidates, taken: [], count: 5 };

  test('takes the same ones whatever order they are given in', () => {
    expect(chooseNodes({ ...choice, candidates: candidates.toReversed() })).toEqual(chooseNodes(choice));
  });

  test('takes other ones for another rollout', () => {
    expect(chooseNodes({ ...choice, rolloutId: '00000000-0000-4000-8000-000000000000' })).not.toEqual(
      chooseNodes(choice),
    );
  });

  test('takes of each architecture first the one that has fewer so far', () => {
    const few = chooseNodes({ ...choice, count: 2 }).map(
      (id) => candidates.find(({ nodeId }) => nodeId === id)?.architecture,
    );
    expect(few.toSorted()).toEqual(['aarch64', 'x86_64']);
    const taken = candidates.filter(({ architecture }) => architecture === 'aarch64').slice(0, 1);
    const rest = candidates.filter((one) => !taken.includes(one));
    const [first] = chooseNodes({ ...choice, candidates: rest, taken, count: 1 });
    expect(candidates.find(({ nodeId }) => nodeId === first)?.architecture).toBe('x86_64');
  });

  test('takes no more than there are', () => {
    expect(chooseNodes({ ...choice, count: 99 })).toHaveLength(20);
  });
});

describe('what a status says', () => {
  test('loaded is well; ready is well only where nothing has to answer', () => {
    expect(goingOf(specOf(), [well])).toBe('well');
    expect(goingOf(specOf(), [entryOf(NEW, 'Ready')])).toBe('working');
    expect(goingOf(specOf({ probe: false }), [entryOf(NEW, 'Ready')])).toBe('well');
    expect(goingOf(specOf({ manifest: { ...NEW, format: 'gguf' } }), [entryOf(NEW, 'Ready')])).toBe('well');
  });

  test('a failure of another order, or of another content, is none of this rollout', () => {
    expect(goingOf(specOf(), [failed, old])).toBe('failed');
    expect(goingOf(specOf(), [{ ...failed, because: 'command:x' }])).toBe('working');
    expect(goingOf(specOf(), [{ ...failed, sha256: OLD.sha256 }])).toBe('working');
  });

  test('back is the one before in force, and nothing of the new one but its failure', () => {
    expect(returnOf(specOf(), [old, failed], true)).toBe('back');
    expect(returnOf(specOf(), [entryOf(NEW, 'Downloading'), old], true)).toBe('going');
    expect(returnOf(specOf(), [], true)).toBe('going');
    expect(returnOf(specOf(), [], false)).toBe('back');
    expect(returnOf(specOf(), [entryOf(NEW, 'Failed', { ...BECAUSE, error_code: 'rollback_failed' })], true)).toBe(
      'stuck',
    );
  });
});

describe('planRollout()', () => {
  const nodes = [a, b, c, d, e].map((id) => node(id));
  const statusesOf = (...said: [NodeId, ModelStatusEntry[]][]) => new Map(said);

  test('begins with the canary, and waits for its word', () => {
    const { spec, state } = rolloutWith({});
    const first = planRollout(state, { spec, nodes, statuses: new Map(), nowMs: NOW }).state;
    expect([first.waves.map((wave) => wave.length), first.results]).toEqual([[1], ['.']]);
    expect(planRollout(first, { spec, nodes, statuses: new Map(), nowMs: NOW + 1000 }).state).toEqual(first);
  });

  test('a node that says nothing for its time has failed, until it is well', () => {
    const spec = specOf({ max_failures: 1 });
    const { state } = rolloutWith({ waves: [[a]], results: ['.'] }, spec);
    const late = planRollout(state, { spec, nodes, statuses: new Map(), nowMs: NOW + spec.node_timeout_ms }).state;
    expect(late.results[0]).toBe('~');
    expect(planRollout(late, { spec, nodes, statuses: statusesOf([a, [well]]), nowMs: NOW }).state.results[0]).toBe(
      '+',
    );
  });

  test('a failure by its own word stays one, whatever it says later', () => {
    const spec = specOf({ max_failures: 1 });
    const { state } = rolloutWith({ waves: [[a, b]], results: ['-.'] }, spec);
    const plan = planRollout(state, { spec, nodes, statuses: statusesOf([a, [well]]), nowMs: NOW });
    expect(plan.state.results[0]?.[0]).toBe('-');
  });

  test('above the threshold all go back, with the counts and the first error as the reason', () => {
    const { spec, state } = rolloutWith({ waves: [[a], [b]], results: ['+', '.'] });
    const { state: next } = planRollout(state, { spec, nodes, statuses: statusesOf([b, [failed, old]]), nowMs: NOW });
    expect(next.phase).toBe('rolling_back');
    expect(next.why).toBe('1 of 2 nodes failed, more than 5%; no such operator');
    const back = planRollout(next, {
      spec,
      nodes,
      statuses: statusesOf([a, [old]], [b, [failed, old]]),
      nowMs: NOW + 1,
    });
    expect([back.done, back.state.phase, back.state.results]).toEqual([true, 'rolled_back', ['<', 'x']]);
  });

  test('who does not come back in time is counted in the reason, and who cannot is shouted', () => {
    const stuck = entryOf(NEW, 'Failed', { ...BECAUSE, error_code: 'rollback_failed' });
    const { spec, state } = rolloutWith({
      phase: 'rolling_back',
      waves: [[a, b]],
      results: ['++'],
      back_began_at: NOW,
      why: 'x',
    });
    const early = planRollout(state, { spec, nodes, statuses: statusesOf([a, [stuck]]), nowMs: NOW + 1 });
    expect([early.done, early.state.results]).toEqual([false, ['!+']]);
    const late = planRollout(early.state, {
      spec,
      nodes,
      statuses: statusesOf([a, [stuck]]),
      nowMs: NOW + spec.node_timeout_ms,
    });
    expect(late.state.why).toBe('x; 1 COULD NOT GO BACK; 1 not heard of, and will go back at their return');
  });

  test('7% of 100 is seven, not less', () => {
    const ids = Array.from({ length: 100 }, (_, index) => nodeIdOf(index));
    const spec = specOf({ max_failures: 0.07 });
    const state = (failures: number) =>
      rolloutWith({ waves: [ids], results: ['-'.repeat(failures).padEnd(100, '.')] }, spec).state;
    const phaseOf = (failures: number) =>
      planRollout(state(failures), { spec, nodes: [], statuses: new Map(), nowMs: NOW }).state.phase;
    expect([phaseOf(7), phaseOf(8)]).toEqual(['running', 'rolling_back']);
  });

  test('a wave that nobody is there for waits; the last one ends without those that are away', () => {
    const spec = specOf({ waves: ['1', '100%'], soak_ms: 0 });
    const away = [node(a), node(b, 'x86_64', false)];
    const { state } = rolloutWith({ waves: [[a]], results: ['.'] }, spec);
    const view = { spec, nodes: away, statuses: statusesOf([a, [well]]) };
    const waiting = planRollout(state, { ...view, nowMs: NOW + 1 }).state;
    expect([waiting.phase, waiting.waves]).toEqual(['running', [[a], []]]);
    expect(planRollout(waiting, { ...view, nowMs: NOW + 1 + spec.node_timeout_ms }).state.phase).toBe('done');
    const nobody = planRollout(rolloutWith({}, spec).state, {
      spec,
      nodes: [node(b, 'x86_64', false)],
      statuses: new Map(),
      nowMs: NOW,
    });
    expect(planRollout(nobody.state, { ...view, nodes: [], statuses: new Map(), nowMs: NOW * 2 }).state.phase).toBe(
      'running',
    );
  });

  test('a node that returns while its wave is short is taken in', () => {
    const spec = specOf({ waves: ['100%'] });
    const view = { spec, statuses: statusesOf([a, [well]]), nowMs: NOW + 5 };
    const { state } = planRollout(rolloutWith({ waves: [[a]], results: ['+'] }, spec).state, {
      ...view,
      nodes: [node(a), node(b)],
    });
    expect([state.waves, state.results, state.wave_began_at]).toEqual([[[a, b]], ['+.'], NOW + 5]);
  });

  test('where whoever ordered it may not any more, nothing goes on', () => {
    const { spec, state } = rolloutWith({ waves: [[a]], results: ['+'] });
    const plan = planRollout(state, { spec, nodes, statuses: statusesOf([a, [well]]), nowMs: NOW * 2, mayGoOn: false });
    expect([plan.state.phase, plan.state.waves]).toEqual(['paused', [[a]]]);
  });

  test('who has it because of this rollout and stands in no list is put into one', () => {
    const { spec, state } = rolloutWith({ phase: 'rolling_back', waves: [[a]], results: ['+'], back_began_at: NOW });
    const plan = planRollout(state, { spec, nodes, statuses: statusesOf([a, [old]], [c, [well]]), nowMs: NOW });
    expect([plan.state.waves, plan.state.results]).toEqual([[[a, c]], ['<.']]);
  });
});

describe('desiredVersionOf()', () => {
  const wishOf = (state: Partial<RolloutState>, nodeId: NodeId, how = { hasIt: false, mayGoOn: true }) => {
    const { wish, manifest } = desiredVersionOf(
      rolloutWith({ waves: [[a, b]], before: ['pn'], ...state }),
      nodeId,
      how,
    );
    return `${wish} ${manifest.version}`;
  };
  test.each([
    ['running', 'have 2.0.0', 'have 2.0.0', 'withhold 2.0.0'],
    ['paused', 'have 2.0.0', 'have 2.0.0', 'withhold 2.0.0'],
    ['done', 'have 2.0.0', 'have 2.0.0', 'have 2.0.0'],
    ['rolling_back', 'have 1.0.0', 'lose 2.0.0', 'withhold 2.0.0'],
    ['rolled_back', 'have 1.0.0', 'lose 2.0.0', 'withhold 2.0.0'],
    ['aborted', 'withhold 2.0.0', 'withhold 2.0.0', 'withhold 2.0.0'],
  ] as const)('%s: who had one, who had none, who is in no wave', (phase, one, fresh, other) => {
    expect([wishOf({ phase }, a), wishOf({ phase }, b), wishOf({ phase }, c)]).toEqual([one, fresh, other]);
  });

  test('who has it goes back though no list names it, and keeps it where the rollout is left as it is', () => {
    expect(wishOf({ phase: 'rolled_back' }, c, { hasIt: true, mayGoOn: true })).toBe('have 1.0.0');
    expect(wishOf({ phase: 'aborted' }, a, { hasIt: true, mayGoOn: true })).toBe('have 2.0.0');
    expect(wishOf({ phase: 'running' }, a, { hasIt: true, mayGoOn: false })).toBe('have 2.0.0');
    expect(wishOf({ phase: 'running' }, b, { hasIt: false, mayGoOn: false })).toBe('withhold 2.0.0');
  });
});
