/** This node's own experience with a peer, over restarts. Spec: docs/spec/09-registry.md §5. */
export interface PeerStats {
  readonly successes: number;
  readonly failures: number;
  readonly corruptions: number;
  readonly rateBytesPerSecond?: number | undefined;
  readonly latencyMs?: number | undefined;
  readonly lastFailureMs?: number | undefined;
  readonly bannedUntilMs?: number | undefined;
}
