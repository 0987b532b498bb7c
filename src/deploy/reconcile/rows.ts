/**
 * The journal's rows, from step to step. Pure: what a row becomes when something was done, or failed. Spec: docs/spec/17-deployment.md §4.
 */
import type { ModelManifest } from '../../protocol/index.ts';
import type { Because, ContentKey, Deployed, Desired, Refusal } from '../types.ts';

export function isSameContent(one: ContentKey, other: ContentKey): boolean {
  return one.version === other.version && one.sha256 === other.sha256;
}

export function contentOf({ version, sha256 }: ContentKey): ContentKey {
  return { version, sha256 };
}

/** What `current` points at, as far as the journal knows. */
export function inForceOf(row: Deployed): ModelManifest | undefined {
  if (row.inForce === 'this') return row.manifest;
  return row.inForce === 'previous' ? row.previous : undefined;
}

/** The same wish, whatever was said anew of it: a rule and a role have no time of their own. */
export function isSameBecause(one: Because, other: Because): boolean {
  return one.kind === other.kind && one.id === other.id && one.author === other.author;
}

/** What the row is for is still wished. */
export function isSameWish(row: Deployed, desired: Desired): boolean {
  return (
    isSameContent(row, desired.manifest) && row.load === desired.load && isSameBecause(row.because, desired.because)
  );
}

/** It is down to its end, and well. */
export function isWell(row: Deployed): boolean {
  return row.step === 'settled' && row.error === undefined;
}

/** Fetched for a deployment, and neither deployed nor the way back. */
export function leftoversOf({ owned, manifest, previous }: Deployed): ContentKey[] {
  const needed = previous === undefined ? [manifest] : [manifest, previous];
  return owned.filter((content) => !needed.some((one) => isSameContent(one, content)));
}

/** The first row of a wish: nothing is done yet, and what is in force stays so. */
export function toBegun(before: Deployed | undefined, desired: Desired, nowMs: number): Deployed {
  const isSame = before !== undefined && isSameWish(before, desired);
  return {
    ...placeOf(before, desired.manifest),
    ...wishOf(desired),
    status: 'Available',
    step: 'fetch',
    owned: before?.owned ?? [],
    error: undefined,
    cause: undefined,
    downloadProgress: 0,
    ...{ verifiedAtMs: undefined, loadedAtMs: undefined, transferMs: undefined },
    attempts: isSame ? before.attempts : 0,
    retryAtMs: undefined,
    updatedAtMs: nowMs,
  };
}

/** What was wished before, carried on: another reason, or words of the manifest that are no content. */
export function toAdopted(row: Deployed, desired: Desired, nowMs: number): Deployed {
  return { ...row, ...wishOf(desired), updatedAtMs: nowMs };
}

export function toRefused(before: Deployed | undefined, desired: Desired, nowMs: number): Deployed {
  return toFailed(toBegun(before, desired, nowMs), sumUp(desired.refused ?? []), nowMs);
}

export function toRemoving(row: Deployed, desired: Desired, nowMs: number): Deployed {
  const begun = { step: 'remove', because: desired.because, priority: desired.priority } as const;
  return { ...row, ...begun, attempts: 0, retryAtMs: undefined, updatedAtMs: nowMs };
}

/** Settled in vain, for good unless `retryAtMs`. What is in force stays so. */
export function toFailed(
  row: Deployed,
  error: NonNullable<Deployed['error']>,
  nowMs: number,
  retryAtMs?: number,
): Deployed {
  const previousStatus = row.inForce === 'previous' ? (row.previousStatus ?? 'Ready') : row.previousStatus;
  const end = { step: 'settled', status: 'Failed', previousStatus, error, cause: undefined, retryAtMs } as const;
  return { ...row, ...end, updatedAtMs: nowMs };
}

export function toSettled(row: Deployed, status: 'Ready' | 'Loaded', nowMs: number): Deployed {
  const well = { error: undefined, cause: undefined, attempts: 0, retryAtMs: undefined };
  return { ...row, ...well, step: 'settled', status, updatedAtMs: nowMs };
}

/** One text of all reasons, the code of the first. */
export function sumUp(reasons: readonly Refusal[]): { readonly code: string; readonly message: string } {
  const code = reasons[0]?.code ?? 'refused';
  return { code, message: reasons.map(({ message }) => message).join('; ') };
}

function wishOf({ modelId, manifest, load, priority, because }: Desired) {
  const { version, sha256 } = manifest;
  return { modelId, version, sha256, manifest, load, priority, because } as const;
}

/** What is in force is the way back; of the same content again, that stays which was there before. */
function placeOf(before: Deployed | undefined, next: ModelManifest) {
  if (before === undefined) return { inForce: 'none', previous: undefined, previousStatus: undefined } as const;
  const inForce = inForceOf(before);
  if (inForce === undefined) {
    const previous =
      before.previous !== undefined && !isSameContent(before.previous, next) ? before.previous : undefined;
    return { inForce: 'none', previous, previousStatus: undefined } as const;
  }
  if (!isSameContent(inForce, next))
    return { inForce: 'previous', previous: inForce, previousStatus: statusInForce(before) } as const;
  const other = [before.previous, before.manifest].find((one) => one !== undefined && !isSameContent(one, next));
  const wayBack = before.inForce === 'this' ? other : undefined;
  return { inForce: 'this', previous: wayBack, previousStatus: undefined } as const;
}

function statusInForce(row: Deployed): Deployed['previousStatus'] {
  if (row.inForce === 'previous') return row.previousStatus ?? 'Ready';
  return row.loadedAtMs === undefined ? 'Ready' : 'Loaded';
}
