/** Who answers for wrong bytes: senders that knew better, not those that a signer deceived. Pure. Spec: docs/spec/15-feedback.md §2. */
import type { NodeId } from '../../core/index.ts';
import type { SourceOutcome } from '../../transfer/index.ts';

export interface DownloadEnd {
  /** The digest has shown the piece root right. */
  readonly isCompleted: boolean;
  /** All pieces fit the root and the digest did not. */
  readonly isRootLie: boolean;
  /** Nodes whose own entries name the root. */
  readonly signers: ReadonlySet<NodeId>;
}

export function blameSources(sources: readonly SourceOutcome[], end: DownloadEnd): SourceOutcome[] {
  return sources.map((source) => ({ ...source, isCorrupt: isToBlame(source, end) }));
}

function isToBlame(source: SourceOutcome, { isCompleted, isRootLie, signers }: DownloadEnd): boolean {
  if (isCompleted) return source.isCorrupt;
  const hasSigned = source.nodeId !== undefined && signers.has(source.nodeId);
  return hasSigned && (source.isCorrupt || (isRootLie && source.bytes > 0));
}
