import { describe, expect, it } from 'vitest';
import type { ModelId } from '../../core/index.ts';
import type { Deployed, Desired } from '../types.ts';
import { planReconcile } from './plan.ts';
import { toBegun, toFailed, toSettled } from './rows.ts';
import { manifestOf, wishOf } from './world.fixture.ts';

const NOW = 1_800_000_000_000;
const LIMITS = { parallelDeployments: 2, running: new Set<ModelId>() };

function wish(index: number, change: Partial<Desired> & { readonly order?: string } = {}): Desired {
  const manifest = manifestOf('1.0.0', `m/${index}`);
  return wishOf('1.0.0', { modelId: manifest.model_id, manifest, ...change });
}

function loaded(desired: Desired): Deployed {
  return { ...toSettled(toBegun(undefined, desired, NOW), 'Loaded', NOW), inForce: 'this', loadedAtMs: NOW };
}

function kinds(desired: readonly Desired[], rows: readonly Deployed[], nowMs = NOW): string[] {
  return planReconcile(desired, rows, LIMITS, nowMs).actions.map((action) =>
    action.kind === 'stop' ? `stop ${action.modelId}` : `${action.kind} ${action.row.modelId} ${action.row.step}`,
  );
}

describe('planReconcile()', () => {
  it('has nothing to do for what is as it should be, and is quick with a thousand', () => {
    const wishes = Array.from({ length: 1000 }, (_, index) => wish(index));
    const rows = wishes.map(loaded);
    const times = Array.from({ length: 5 }, () => {
      const began = performance.now();
      planReconcile(wishes, rows, LIMITS, NOW);
      return performance.now() - began;
    });
    expect(Math.min(...times)).toBeLessThan(50);
    const plan = planReconcile(wishes, rows, LIMITS, NOW);
    expect(plan).toEqual({ actions: [], wakeAtMs: undefined });
  });

  it('journals all, and runs the urgent ones first, then the older orders', () => {
    const at = (orderedAtMs: number) => ({ because: { ...wish(0).because, orderedAtMs } });
    const wishes = [wish(1, { ...at(5) }), wish(2, { priority: 1 }), wish(3, { ...at(3) })];
    expect(kinds(wishes, [])).toEqual([
      ...['journal m/1 fetch', 'journal m/2 fetch', 'journal m/3 fetch'],
      ...['run m/2 fetch', 'run m/3 fetch'],
    ]);
  });

  it('goes back before it goes on', () => {
    const row = { ...toBegun(undefined, wish(1, { priority: 5 }), NOW), step: 'rollback' } as const;
    expect(kinds([wish(1, { priority: 5 }), wish(2, { priority: 1 })], [row])[1]).toBe('run m/1 rollback');
  });

  it('gives way to nothing while what is in force is being changed', () => {
    const row = { ...toBegun(undefined, wish(1), NOW), step: 'activate' } as const;
    expect(kinds([wish(1, { presence: 'absent' })], [row])).toEqual(['run m/1 activate']);
  });

  it('stops a run whose wish is over, and no other', () => {
    const rows = [toBegun(undefined, wish(1), NOW), toBegun(undefined, wish(2), NOW)];
    const running = new Set(rows.map(({ modelId }) => modelId));
    const plan = planReconcile([wish(1, { presence: 'absent' }), wish(2)], rows, { ...LIMITS, running }, NOW);
    expect(plan.actions).toEqual([{ kind: 'stop', modelId: 'm/1' }]);
  });

  it('wakes for what is to be tried again, and not before', () => {
    const failed = {
      ...toFailed(toBegun(undefined, wish(1), NOW), { code: 'x', message: 'y' }, NOW, NOW + 5000),
      attempts: 1,
    };
    expect(planReconcile([wish(1)], [failed], LIMITS, NOW)).toEqual({ actions: [], wakeAtMs: NOW + 5000 });
    expect(kinds([wish(1)], [failed], NOW + 5000)).toEqual(['journal m/1 fetch', 'run m/1 fetch']);
  });

  it('waits no longer than the longest pause, when the clock was set back by an hour meanwhile', () => {
    const HOUR = 3_600_000;
    const begun = toBegun(undefined, wish(1), NOW);
    const failed = { ...toFailed(begun, { code: 'x', message: 'y' }, NOW, NOW + 5000), attempts: 1 };
    expect(kinds([wish(1)], [failed], NOW - HOUR)).toEqual(['journal m/1 fetch', 'run m/1 fetch']);
    const stuck: Deployed = { ...failed, step: 'rollback', error: { code: 'rollback_failed', message: 'y' } };
    expect(kinds([], [stuck], NOW - HOUR)).toEqual(['run m/1 rollback']);
    expect(kinds([], [stuck], NOW)).toEqual([]);
  });

  it('only writes another reason for what is well, and begins again what failed by another order', () => {
    const other = wish(1, { order: 'other' });
    expect(kinds([other], [loaded(wish(1))])).toEqual(['journal m/1 settled']);
    const failed = { ...toFailed(toBegun(undefined, wish(1), NOW), { code: 'x', message: 'y' }, NOW), attempts: 3 };
    expect(kinds([wish(1)], [failed])).toEqual([]);
    expect(kinds([other], [failed])).toEqual(['journal m/1 fetch', 'run m/1 fetch']);
  });

  it('writes a refusal once', () => {
    const refused = wish(1, { refused: [{ code: 'not_fit', message: 'too small' }] });
    const [action] = planReconcile([refused], [], LIMITS, NOW).actions;
    expect(action).toMatchObject({ kind: 'journal', row: { status: 'Failed', error: { code: 'not_fit' } } });
    if (action?.kind !== 'journal') throw new Error('no row');
    expect(kinds([refused], [action.row])).toEqual([]);
    expect(kinds([wish(1)], [action.row])).toEqual(['journal m/1 fetch', 'run m/1 fetch']);
  });

  it('takes nothing away for somebody who may not say so', () => {
    const refused = [{ code: 'not_permitted', message: 'an edge node may not' }];
    expect(kinds([wish(1, { presence: 'absent', refused })], [loaded(wish(1))])).toEqual([]);
    expect(kinds([wish(1, { presence: 'absent', refused })], [])).toEqual([]);
    const rows = [toBegun(undefined, wish(1), NOW)];
    const running = new Set(rows.map(({ modelId }) => modelId));
    const plan = planReconcile([wish(1, { presence: 'absent', refused })], rows, { ...LIMITS, running }, NOW);
    expect(plan.actions).toEqual([]);
  });

  it('does not take away what is well for a reason that came later', () => {
    const refused = wish(1, { refused: [{ code: 'not_fit', message: 'too small' }] });
    expect(kinds([refused], [loaded(wish(1))])).toEqual([]);
  });
});
