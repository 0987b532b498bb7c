/**
 * One content under one id and version, and who has it. Nodes that give the content another size or piece root than most do
 * cannot put their word in the place of the right one. Pure. Spec: docs/spec/09-registry.md §4.4.
 */
import { compareText, type ModelId, type NodeId, type PieceRoot, type Sha256 } from '../core/index.ts';
import { compareVersions, type ModelEntry } from '../protocol/index.ts';
import type { CatalogEndpoints } from './catalog-node.ts';

export interface VariantNode {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly endpoints: CatalogEndpoints;
  readonly entry: ModelEntry;
}

export interface ModelVariant {
  readonly modelId: ModelId;
  readonly version: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceRoot: PieceRoot | undefined;
  /** The entry of one of `nodes`. */
  readonly entry: ModelEntry;
  /** Who has it, by node id. */
  readonly nodes: readonly VariantNode[];
  /** Nodes that name the same digest with another size or piece root. */
  readonly disputedBy: readonly NodeId[];
}

/** `holders`: at least one, all of the same content. */
export function toVariant(holders: readonly VariantNode[]): ModelVariant | undefined {
  return ofClaim(
    holders.toSorted((a, b) => compareText(a.nodeId, b.nodeId)),
    winningClaim(holders),
  );
}

/**
 * One variant for each size and root that somebody gives the content, the winner first: its digest decides in the end
 * who is right, so that no number of liars can hide the node that is.
 */
export function toClaims(holders: readonly VariantNode[]): ModelVariant[] {
  const claims: ModelVariant[] = [];
  let left = holders.toSorted((a, b) => compareText(a.nodeId, b.nodeId));
  while (left.length > 0) {
    const claim = winningClaim(left);
    const variant = ofClaim(left, claim);
    if (variant === undefined) break;
    claims.push(variant);
    left = left.filter(({ entry }) => !agrees(entry, claim));
  }
  return claims;
}

/** Do both entries say the same of the content that they name? */
export function isSameClaim(a: ModelEntry, b: ModelEntry): boolean {
  return a.sha256 === b.sha256 && agrees(a, claimOf(b));
}

function ofClaim(sorted: readonly VariantNode[], claim: Claim): ModelVariant | undefined {
  const nodes = sorted.filter(({ entry }) => agrees(entry, claim));
  const entry = (nodes.find((node) => node.entry.piece_root !== undefined) ?? nodes[0])?.entry;
  if (entry === undefined) return undefined;
  return {
    modelId: entry.model_id,
    version: entry.version,
    sha256: entry.sha256,
    sizeBytes: entry.size_bytes,
    pieceRoot: entry.piece_root,
    entry,
    nodes,
    disputedBy: sorted.filter((node) => !agrees(node.entry, claim)).map(({ nodeId }) => nodeId),
  };
}

/** Is this what a person means who says only the last part of the id, or the name it is shown under? */
export function isNamed({ modelId, entry }: ModelVariant, name: string): boolean {
  return entry.name === name || modelId.endsWith(`/${name}`);
}

/** By id, then newest version first, then digest. */
export function compareVariants(a: ModelVariant, b: ModelVariant): number {
  return compareText(a.modelId, b.modelId) || compareVersions(b.version, a.version) || compareText(a.sha256, b.sha256);
}

interface Claim {
  readonly sizeBytes: number;
  /** Whether the digest is of a file list, and of which length. */
  readonly list: string;
  readonly pieceRoot: string | undefined;
}

function claimOf(entry: ModelEntry): Claim {
  return { sizeBytes: entry.size_bytes, list: listOf(entry), pieceRoot: entry.piece_root };
}

function listOf({ file_count, file_list_bytes }: ModelEntry): string {
  return file_count === undefined ? '' : `${file_count} ${file_list_bytes}`;
}

/** A node that names no root agrees with every root of its size. */
function agrees(entry: ModelEntry, claim: Claim): boolean {
  if (entry.size_bytes !== claim.sizeBytes || listOf(entry) !== claim.list) return false;
  return claim.pieceRoot === undefined || entry.piece_root === undefined || entry.piece_root === claim.pieceRoot;
}

function winningClaim(holders: readonly VariantNode[]): Claim {
  const sizeBytes = Number(mostNamed(holders.map(({ entry }) => entry.size_bytes.toString().padStart(16, '0'))));
  const ofSize = holders.filter(({ entry }) => entry.size_bytes === sizeBytes);
  const pieceRoot = mostNamed(ofSize.flatMap(({ entry }) => entry.piece_root ?? []));
  const ofRoot = ofSize.filter(({ entry }) => pieceRoot === undefined || entry.piece_root === pieceRoot);
  return { sizeBytes, list: mostNamed(ofRoot.map(({ entry }) => listOf(entry))) ?? '', pieceRoot };
}

/** The most frequent; of equals the first in text order. */
function mostNamed(values: readonly string[]): string | undefined {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || compareText(a[0], b[0]))[0]?.[0];
}
