/** How many nodes a wave has. Spec: docs/spec/19-rollout.md §4.2. Pure. */

/** How many nodes all waves up to this one have together: shares rounded up, never more than `total`, never fewer than before. */
export function quotaOf(waves: readonly string[], index: number, total: number): number {
  const quotas = waves.slice(0, index + 1).map((wave) => Math.min(total, sizeOf(wave, total)));
  return Math.max(0, ...quotas);
}

function sizeOf(wave: string, total: number): number {
  const number = Number.parseInt(wave, 10);
  return wave.endsWith('%') ? Math.ceil((number * total) / 100) : number;
}
