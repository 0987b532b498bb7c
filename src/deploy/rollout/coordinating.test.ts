import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../core/index.ts';
import type { Rollout, RolloutState } from '../../protocol/index.ts';
import { nodeIdOf, specOf } from '../../testkit/rollout-sim/make-world.ts';
import { changeRollout, startRollout } from './change.ts';
import { leaseMsOf, planTakeover, takeOver } from './coordinator.ts';
import { mergeRollouts, type RolloutWord } from './merge.ts';

const NOW = 1_800_000_000_000;
const [a, b, c, d, e] = [0, 1, 2, 3, 4].map(nodeIdOf) as [NodeId, NodeId, NodeId, NodeId, NodeId];

function rolloutWith(state: Partial<RolloutState>): Rollout {
  const started = startRollout(specOf(), a, NOW);
  return { ...started, state: { ...started.state, ...state } };
}

describe('who coordinates', () => {
  const rollout = rolloutWith({ coordinator: a });
  const lease = leaseMsOf(rollout.spec);

  test('one after the other may take over, when the lease is out; never the silent one nor a stranger', () => {
    const waits = [b, c, d].map((self) => planTakeover({ rollout, self, candidates: [a, b, c, d], silentMs: 0 }));
    const sorted = waits.map((wait) => (wait.take ? 0 : (wait.waitMs ?? 0))).sort((x, y) => x - y);
    expect(sorted).toEqual([lease, lease * 1.5, lease * 2]);
    expect(planTakeover({ rollout, self: a, candidates: [a, b], silentMs: 1e9 })).toEqual({
      take: false,
      waitMs: undefined,
    });
    expect(planTakeover({ rollout, self: e, candidates: [a, b], silentMs: 1e9 })).toEqual({
      take: false,
      waitMs: undefined,
    });
    expect(planTakeover({ rollout, self: b, candidates: [a, b], silentMs: lease })).toEqual({ take: true });
  });

  test('nobody takes over what is over', () => {
    const over = rolloutWith({ phase: 'done' });
    expect(planTakeover({ rollout: over, self: b, candidates: [b], silentMs: 1e9 })).toEqual({
      take: false,
      waitMs: undefined,
    });
  });

  test('takeOver() repeats nothing, and sets back what a fast clock had set ahead', () => {
    const { state } = rolloutWith({ waves: [[a]], wave_began_at: NOW + 9, soak_began_at: NOW - 9, term: 3 });
    expect(takeOver(state, b, NOW)).toEqual({ ...state, wave_began_at: NOW, term: 4, coordinator: b });
  });
});

describe('mergeRollouts()', () => {
  const word = (author: NodeId, state: Partial<RolloutState>, issuedAtMs = NOW): RolloutWord => ({
    rollout: rolloutWith({ coordinator: author, ...state }),
    author,
    issuedAtMs,
  });
  const winner = (...words: RolloutWord[]) => mergeRollouts(words)?.author;

  test('back before left before all others, then the term, then care, then the later word', () => {
    expect(
      winner(word(a, { term: 9 }), word(b, { phase: 'rolling_back' }), word(c, { phase: 'aborted', term: 5 })),
    ).toBe(b);
    expect(winner(word(a, { term: 9 }), word(c, { phase: 'aborted' }))).toBe(c);
    expect(winner(word(a, { term: 2 }), word(b, { term: 1, phase: 'paused' }))).toBe(a);
    expect(winner(word(a, {}, NOW + 5), word(b, { phase: 'paused' }))).toBe(b);
    expect(winner(word(a, { phase: 'done' }, NOW + 5), word(b, {}))).toBe(b);
    expect(winner(word(a, {}), word(b, {}, NOW + 1))).toBe(b);
    expect(mergeRollouts([])).toBeUndefined();
  });

  test('forgets nobody whom any coordinator gave the version, and no failure, in whatever order the words come', () => {
    const words = [
      word(a, { waves: [[a], [b]], results: ['+', '.'], before: ['p', 'p'], term: 2 }),
      word(b, { waves: [[a], [c]], results: ['-', '+'], before: ['p', 'n'] }),
      word(c, { waves: [[a], [c, d]], results: ['+', '-.'], before: ['p', 'np'] }),
    ];
    const merged = mergeRollouts(words)?.rollout.state;
    const strays = [c, d].toSorted();
    expect(merged?.waves).toEqual([[a], [b, ...strays]]);
    expect(merged?.results).toEqual(['-', `.${strays.map((id) => (id === c ? '-' : '.')).join('')}`]);
    expect(mergeRollouts(words.toReversed())).toEqual(mergeRollouts(words));
  });
});

test('changeRollout() makes what can be made, twice as once, and nothing else', () => {
  const phaseAfter = (phase: RolloutState['phase'], change: Parameters<typeof changeRollout>[1]) =>
    changeRollout(rolloutWith({ phase }).state, change, { why: 'by hand', nowMs: NOW })?.phase;
  const phases = ['running', 'paused', 'rolling_back', 'rolled_back', 'aborted', 'done'] as const;
  const row = (change: Parameters<typeof changeRollout>[1]) => phases.map((phase) => phaseAfter(phase, change));
  expect(row('pause')).toEqual(['paused', 'paused', undefined, undefined, undefined, undefined]);
  expect(row('resume')).toEqual(['running', 'running', undefined, undefined, undefined, undefined]);
  expect(row('abort')).toEqual(['rolling_back', 'rolling_back', 'rolling_back', undefined, undefined, 'rolling_back']);
  expect(row('leave')).toEqual(['aborted', 'aborted', undefined, undefined, undefined, undefined]);
});
