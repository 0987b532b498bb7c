/** Whom a pull would rest on: each other node that says it has the content, and the mirrors that are asked. Pure. */
import type { ModelEntry } from '../../protocol/index.ts';
import type { ModelCatalog } from '../../registry/index.ts';

export interface SourcesView {
  readonly catalog: Pick<ModelCatalog, 'claimsOf'>;
  /** URL templates. */
  readonly mirrors: readonly string[];
  readonly nodeId: string;
}

/** As consent knows them: node ids, and origins of mirrors. */
export function sourcesOf({ catalog, mirrors, nodeId }: SourcesView, { sha256 }: Pick<ModelEntry, 'sha256'>): string[] {
  const nodes = catalog.claimsOf(sha256).flatMap((claim) => claim.nodes.map((node) => node.nodeId));
  const others = nodes.filter((id) => id !== nodeId);
  return [...new Set<string>([...others, ...mirrors.map((template) => new URL(template).origin)])];
}
