/** Which peer to ask first: a pure function of what is known. Spec: docs/spec/09-registry.md §5. */
import { compareText, MB, type NodeId } from '../core/index.ts';
import type { PeerStats } from './peer-stats.ts';
import { type PeerWords, successChance } from './standing.ts';

/** How bytes get here: the same machine, plain or TLS HTTP on the network, the mesh's own streams. */
export type PeerPath = 'loopback' | 'lan' | 'mesh';

export interface PeerCandidate {
  readonly nodeId: NodeId;
  readonly path: PeerPath;
  /** −1: busy with something that makes it unusable now. */
  readonly load?: number | undefined;
}

export interface PeerChoiceContext {
  readonly sizeBytes: number;
  readonly nowMs: number;
  readonly preferredNodeId?: NodeId | undefined;
  /** What is known of a peer; nothing for a stranger. */
  readonly statsOf: (nodeId: NodeId) => PeerStats | undefined;
  /** What others say of it (docs/spec/15-feedback.md §4); nothing where nobody is listened to. */
  readonly wordsOf?: ((nodeId: NodeId) => PeerWords | undefined) | undefined;
}

const PATHS: Record<
  PeerPath,
  { readonly order: number; readonly rateBytesPerSecond: number; readonly latencyMs: number }
> = {
  loopback: { order: 0, rateBytesPerSecond: 1000 * MB, latencyMs: 1 },
  lan: { order: 1, rateBytesPerSecond: 100 * MB, latencyMs: 2 },
  mesh: { order: 2, rateBytesPerSecond: 10 * MB, latencyMs: 50 },
};

/** Best first; without those that must not be asked. */
export function rankPeers<Candidate extends PeerCandidate>(
  candidates: readonly Candidate[],
  context: PeerChoiceContext,
): Candidate[] {
  const allowed = candidates.filter((candidate) => candidate.load !== -1 && !isBanned(candidate, context));
  const trusted = allowed.filter(({ nodeId }) => context.wordsOf?.(nodeId)?.isShunned !== true);
  // Words alone never leave a pull without anybody to ask.
  const usable = trusted.length > 0 ? trusted : allowed;
  const scored = usable.map((candidate) => ({ candidate, seconds: expectedSeconds(candidate, context) }));
  const isPreferred = ({ nodeId }: Candidate) => Number(nodeId === context.preferredNodeId);
  scored.sort(
    (a, b) =>
      isPreferred(b.candidate) - isPreferred(a.candidate) ||
      PATHS[a.candidate.path].order - PATHS[b.candidate.path].order ||
      a.seconds - b.seconds ||
      compareText(a.candidate.nodeId, b.candidate.nodeId),
  );
  return scored.map(({ candidate }) => candidate);
}

/** Seconds until the bytes are here, weighed by the chance that they come at all. */
export function expectedSeconds({ nodeId, path }: PeerCandidate, context: PeerChoiceContext): number {
  const stats = context.statsOf(nodeId);
  const rate = Math.max(1, stats?.rateBytesPerSecond ?? PATHS[path].rateBytesPerSecond);
  const latencyMs = stats?.latencyMs ?? PATHS[path].latencyMs;
  return (latencyMs / 1000 + context.sizeBytes / rate) / successChance(stats, context.wordsOf?.(nodeId));
}

function isBanned({ nodeId }: PeerCandidate, { statsOf, nowMs }: PeerChoiceContext): boolean {
  return (statsOf(nodeId)?.bannedUntilMs ?? 0) > nowMs;
}
