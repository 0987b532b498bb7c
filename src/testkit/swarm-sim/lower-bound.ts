/**
 * What no scheduler can beat: Kumar and Ross, "Peer-assisted file distribution: the minimum distribution time" (2006),
 * carried over to nodes that come and go. A file of F bytes, one seeder, nodes i with uplinks uᵢ and downlinks dᵢ. In the
 * run at hand node i is online at the times Oᵢ. Everybody is done at T at the earliest, where T is the greatest of
 *
 * 1. F / u_seeder: each byte leaves the seeder at least once, as nobody else has it at first;
 * 2. for each node the time at which it was online for F / dᵢ: more than dᵢ it never receives;
 * 3. the time at which u_seeder + Σ uᵢ of those online, summed over time, amounts to n·F: each of n·F received bytes was sent.
 *
 * All three hold for any schedule, also one that knows the future, since delays, losses, whole pieces, shares of TCP and
 * whether a node has anything to send yet only take away from what is counted here. Without churn it is their formula.
 */

export interface BoundNode {
  readonly upBytesPerMs: number;
  readonly downBytesPerMs: number;
  /** When it was there, in order; the last span may be without end. */
  readonly online: readonly { readonly fromMs: number; readonly toMs: number }[];
}

export interface LowerBound {
  readonly ms: number;
  readonly seederMs: number;
  readonly slowestMs: number;
  readonly togetherMs: number;
}

export function lowerBound(sizeBytes: number, seederUpBytesPerMs: number, nodes: readonly BoundNode[]): LowerBound {
  const seederMs = sizeBytes / seederUpBytesPerMs;
  const slowestMs = nodes.reduce((most, node) => Math.max(most, earliestMs(node, sizeBytes)), 0);
  const togetherMs = sharedMs(sizeBytes * nodes.length, seederUpBytesPerMs, nodes);
  return { ms: Math.max(seederMs, slowestMs, togetherMs), seederMs, slowestMs, togetherMs };
}

/** When one node, alone in the world, could have all of it. */
export function earliestMs(node: BoundNode, sizeBytes: number): number {
  let neededMs = sizeBytes / node.downBytesPerMs;
  for (const { fromMs, toMs } of node.online) {
    if (toMs - fromMs >= neededMs) return fromMs + neededMs;
    neededMs -= toMs - fromMs;
  }
  return Number.POSITIVE_INFINITY;
}

function sharedMs(totalBytes: number, seederUpBytesPerMs: number, nodes: readonly BoundNode[]): number {
  const changes = nodes.flatMap((node) =>
    node.online.flatMap(({ fromMs, toMs }) => [
      { atMs: fromMs, rate: node.upBytesPerMs },
      { atMs: toMs, rate: -node.upBytesPerMs },
    ]),
  );
  let left = totalBytes;
  let rate = seederUpBytesPerMs;
  let nowMs = 0;
  for (const change of changes.sort((a, b) => a.atMs - b.atMs)) {
    if (rate * (change.atMs - nowMs) >= left) break;
    left -= rate * (change.atMs - nowMs);
    nowMs = change.atMs;
    rate += change.rate;
  }
  return nowMs + left / rate;
}
