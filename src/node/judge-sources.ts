/** A download's verdicts on its peers. Pure. Spec: docs/spec/15-feedback.md §1. */
import type { NodeId } from '../core/index.ts';
import type { VerdictCounts } from '../registry/index.ts';
import type { SourceOutcome } from '../transfer/index.ts';

export interface Verdict {
  readonly nodeId: NodeId;
  readonly verdict: keyof VerdictCounts;
  readonly bytes: number;
}

const SLOW_SHARE = 1 / 8;

export function judgeSources(outcomes: readonly SourceOutcome[]): Verdict[] {
  const fastest = Math.max(0, ...outcomes.map(({ rateBytesPerSecond }) => rateBytesPerSecond ?? 0));
  return outcomes.flatMap((outcome) => {
    const verdict = judge(outcome, fastest);
    const { nodeId, bytes } = outcome;
    return nodeId === undefined || verdict === undefined ? [] : [{ nodeId, verdict, bytes }];
  });
}

function judge(outcome: SourceOutcome, fastest: number): keyof VerdictCounts | undefined {
  const { isCorrupt, bytes, failures, rateBytesPerSecond: rate } = outcome;
  if (isCorrupt) return 'corrupt';
  const hasStalled = failures.includes('peer_stalled');
  if (bytes === 0) return hasStalled ? 'stalled' : undefined;
  const isSlow = hasStalled || (rate !== undefined && rate < fastest * SLOW_SHARE);
  return isSlow ? 'slow' : 'ok';
}
