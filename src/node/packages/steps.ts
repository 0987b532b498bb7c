/**
 * The steps of an install and their order; what comes after one that succeeded, failed, or was under way when the process ended. A step
 * stands in the journal before it begins, and may be done again. Pure. Spec: docs/spec/21-packages.md §8.
 */

/** `commit` is where what is in force changes: one transaction, which writes the next step too. */
export const FORWARD_STEPS = [
  'store',
  'gate',
  'commit',
  'models',
  'place',
  'config',
  'announce',
  'agents',
  'tidy',
] as const;
/** What failed after the commit, undone: the same things, with the version that was there before. */
export const BACK_STEPS = [
  'back_commit',
  'back_models',
  'back_place',
  'back_config',
  'back_announce',
  'back_agents',
  'back_tidy',
] as const;

/** A package goes, all of it: these come after the transaction that takes it out of force, and are never undone. */
export const REMOVE_STEPS = ['remove_agents', 'remove_place', 'remove_announce', 'remove_tidy'] as const;

export type ForwardStep = (typeof FORWARD_STEPS)[number];
export type BackStep = (typeof BACK_STEPS)[number];
export type RemoveStep = (typeof REMOVE_STEPS)[number];
/** `stopped`: what was stored is kept for the next import. `undo`: it goes. */
export type JournalStep = ForwardStep | BackStep | RemoveStep | 'stopped' | 'undo';

/** Undefined after the last: the journal's row goes. */
export function nextStep(step: JournalStep): JournalStep | undefined {
  const orders: readonly (readonly JournalStep[])[] = [FORWARD_STEPS, BACK_STEPS, REMOVE_STEPS];
  const order = orders.find((steps) => steps.includes(step)) ?? [];
  const place = order.indexOf(step);
  return place === -1 ? undefined : order[place + 1];
}

export function isBack(step: JournalStep): step is BackStep {
  return (BACK_STEPS as readonly string[]).includes(step);
}

export function isRemoval(step: JournalStep): step is RemoveStep {
  return (REMOVE_STEPS as readonly string[]).includes(step);
}

/** Nothing that anybody sees has changed yet. */
export function isBeforeCommit(step: JournalStep): boolean {
  return step === 'store' || step === 'gate' || step === 'commit' || step === 'stopped' || step === 'undo';
}

/**
 * Where a failure leads. Before the commit what was stored stays if going on makes sense; after it the node goes back. `stay`: going
 * back, removing or tidying up failed itself; it is tried again at the next start.
 */
export function afterFailure(step: JournalStep, isWorthKeeping: boolean): JournalStep | 'stay' {
  if (step === 'undo' || step === 'tidy' || isBack(step) || isRemoval(step)) return 'stay';
  if (isBeforeCommit(step)) return isWorthKeeping ? 'stopped' : 'undo';
  return 'back_commit';
}

/** Where the next start takes up what a process that ended left; undefined: it stays as it is until somebody imports again. */
export function afterRestart(step: JournalStep, kind: 'import' | 'rollback'): JournalStep | undefined {
  if (step === 'stopped') return undefined;
  if (!isBeforeCommit(step)) return step;
  return step === 'undo' || kind === 'rollback' ? 'undo' : 'stopped';
}
