/**
 * What to do now, of what should be here and what is: rows to write, and rows to go on with. Pure; with nothing to do it is a
 * comparison a model. Spec: docs/spec/17-deployment.md §4.
 */
import type { ModelId } from '../../core/index.ts';
import type { Deployed, Desired } from '../types.ts';
import { isResting } from './failures.ts';
import {
  isSameContent,
  isSameWish,
  isWell,
  leftoversOf,
  sumUp,
  toAdopted,
  toBegun,
  toRefused,
  toRemoving,
} from './rows.ts';

export type ReconcileAction =
  /** Write it; nothing is done for it yet. */
  | { readonly kind: 'journal'; readonly row: Deployed }
  /** Go on with the step that the row says. */
  | { readonly kind: 'run'; readonly row: Deployed }
  /** The run under way is for a wish that is over. */
  | { readonly kind: 'stop'; readonly modelId: ModelId };

export interface ReconcilePlan {
  /** In order; a row is journalled before it runs. */
  readonly actions: readonly ReconcileAction[];
  /** When to look again though nobody calls. */
  readonly wakeAtMs: number | undefined;
}

export interface ReconcileLimits {
  readonly parallelDeployments: number;
  /** Models that a run works on now. */
  readonly running: ReadonlySet<ModelId>;
}

/** What is in force is being changed: that ends before another wish is looked at. A way back that leads nowhere does not hold one up. */
function isUndisturbed({ step, error }: Deployed): boolean {
  return step === 'activate' || step === 'remove' || (step === 'rollback' && error?.code !== 'rollback_failed');
}

export function planReconcile(
  desired: readonly Desired[],
  deployed: readonly Deployed[],
  { parallelDeployments, running }: ReconcileLimits,
  nowMs: number,
): ReconcilePlan {
  const wishes = new Map(desired.map((wish) => [wish.modelId, wish]));
  const actions: ReconcileAction[] = [];
  const next: Deployed[] = [];
  const rows = new Map(deployed.map((row) => [row.modelId, row]));
  const consider = (row: Deployed | undefined, wish: Desired | undefined): void => {
    const planned = planRow(row, wish, nowMs);
    if (planned !== row && planned !== undefined) actions.push({ kind: 'journal', row: planned });
    const after = planned ?? row;
    if (after !== undefined && needsRun(after)) next.push(after);
  };
  for (const row of deployed) {
    const wish = wishes.get(row.modelId);
    if (!running.has(row.modelId)) consider(row, wish);
    else if (isOutdated(row, wish)) actions.push({ kind: 'stop', modelId: row.modelId });
  }
  for (const wish of wishes.values())
    if (!rows.has(wish.modelId) && !running.has(wish.modelId)) consider(undefined, wish);
  const due = next.filter((row) => isDue(row, nowMs)).sort(compareUrgency);
  const free = Math.max(0, parallelDeployments - running.size);
  for (const row of due.slice(0, free)) actions.push({ kind: 'run', row });
  return { actions, wakeAtMs: soonest([...next, ...deployed], nowMs) };
}

/** The row as it should stand before anything is done; the same object where nothing changes. */
function planRow(row: Deployed | undefined, wish: Desired | undefined, nowMs: number): Deployed | undefined {
  if (wish === undefined || isVoid(wish)) return row === undefined ? undefined : retried(row, nowMs);
  if (row !== undefined && isUndisturbed(row)) return row;
  if (wish.presence === 'absent') return row === undefined ? undefined : toRemoving(row, wish, nowMs);
  if (row === undefined) return wish.refused === undefined ? toBegun(row, wish, nowMs) : toRefused(row, wish, nowMs);
  if (wish.refused !== undefined) return planRefused(row, wish, nowMs);
  if (isRefusal(row)) return toBegun(row, wish, nowMs);
  if (isSameWish(row, wish)) return isSameManifest(row, wish) ? retried(row, nowMs) : toAdopted(row, wish, nowMs);
  if (isOnlyAnotherReason(row, wish)) return toAdopted(row, wish, nowMs);
  return toBegun(row, wish, nowMs);
}

/** Told to take it away by somebody who may not. */
function isVoid({ presence, refused }: Desired): boolean {
  return presence === 'absent' && refused !== undefined;
}

function planRefused(row: Deployed, wish: Desired, nowMs: number): Deployed {
  const { code, message } = sumUp(wish.refused ?? []);
  // What is in force and well is not taken away for a reason that came later.
  if (isSameContent(row, wish.manifest) && row.inForce === 'this' && isWell(row))
    return isSameWish(row, wish) ? row : toAdopted(row, wish, nowMs);
  const isWritten = isSameWish(row, wish) && row.error?.code === code && row.error.message === message;
  return isWritten && isRefusal(row) ? row : toRefused(row, wish, nowMs);
}

/** It was never begun: its attempts are none, and nothing is to be waited for. */
function isRefusal(row: Deployed): boolean {
  return row.step === 'settled' && row.status === 'Failed' && row.attempts === 0;
}

/** The same content, well and as far as wished: nothing has to be done for it. */
function isOnlyAnotherReason(row: Deployed, wish: Desired): boolean {
  if (!isSameContent(row, wish.manifest) || (wish.load && !row.load)) return false;
  return isWell(row) || (row.step !== 'settled' && row.load === wish.load);
}

function isSameManifest(row: Deployed, wish: Desired): boolean {
  if (row.priority !== wish.priority) return false;
  return row.manifest === wish.manifest || row.manifest.signature?.signature === wish.manifest.signature?.signature;
}

/** What failed and whose time has come begins again. */
function retried(row: Deployed, nowMs: number): Deployed {
  if (row.step !== 'settled' || row.retryAtMs === undefined || isResting(row, nowMs)) return row;
  const { modelId, manifest, load, priority, because } = row;
  return toBegun(row, { modelId, presence: 'present', manifest, load, priority, because }, nowMs);
}

function isOutdated(row: Deployed, wish: Desired | undefined): boolean {
  if (wish === undefined || isVoid(wish) || isUndisturbed(row) || row.step === 'settled') return false;
  if (wish.presence === 'absent' || wish.refused !== undefined) return true;
  return !isSameContent(row, wish.manifest) || (wish.load && !row.load);
}

function needsRun(row: Deployed): boolean {
  return row.step !== 'settled' || (row.error === undefined && leftoversOf(row).length > 0);
}

function isDue(row: Deployed, nowMs: number): boolean {
  return row.step === 'settled' || !isResting(row, nowMs);
}

/** Ways back before ways on; then by priority, the older order, the id. */
function compareUrgency(a: Deployed, b: Deployed): number {
  return (
    Number(b.step === 'rollback') - Number(a.step === 'rollback') ||
    a.priority - b.priority ||
    a.because.orderedAtMs - b.because.orderedAtMs ||
    (a.modelId < b.modelId ? -1 : 1)
  );
}

function soonest(rows: readonly Deployed[], nowMs: number): number | undefined {
  let soonestMs: number | undefined;
  for (const { retryAtMs } of rows)
    if (retryAtMs !== undefined && retryAtMs > nowMs && retryAtMs < (soonestMs ?? Number.POSITIVE_INFINITY))
      soonestMs = retryAtMs;
  return soonestMs;
}
