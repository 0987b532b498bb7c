/** What a package is to be made of, before its bytes were read: everything in its manifest but digests and signatures. */
import type { PieceRoot, Sha256 } from '../../core/index.ts';
import type { PackageTier } from '../../protocol/index.ts';

export interface FileDigests {
  readonly sha256: Sha256;
  readonly pieceRoot: PieceRoot;
}

/** A file that becomes a member. */
export interface DraftFile {
  /** In the package. */
  readonly path: string;
  /** Where its bytes lie. */
  readonly file: string;
  readonly sizeBytes: number;
  /** What the library knows of it; reading it must give the same. */
  readonly known: FileDigests | undefined;
  readonly tiers: readonly PackageTier[] | undefined;
}

export interface DraftModel {
  readonly id: string;
  readonly version: string;
  /** Of the file, or the folder of a set. */
  readonly path: string;
  readonly isFileSet: boolean;
  readonly files: readonly DraftFile[];
  readonly tiers: readonly PackageTier[] | undefined;
  /** Descriptive fields of a catalog entry. */
  readonly entry: Readonly<Record<string, unknown>>;
  readonly manifest: Readonly<Record<string, unknown>> | undefined;
}

export interface DraftPart extends DraftFile {
  readonly id: string;
  readonly version: string;
}

export interface DraftKnowledge extends DraftFile {
  readonly domain: string;
  readonly chunks: number;
}

export interface Draft {
  readonly id: string;
  readonly version: string;
  /** RFC 3339, whole seconds. */
  readonly created: string;
  readonly createdBy: string;
  readonly description: string | undefined;
  readonly tiers: readonly PackageTier[];
  readonly config: readonly DraftFile[];
  readonly models: readonly DraftModel[];
  readonly agents: readonly DraftPart[];
  readonly tools: readonly DraftPart[];
  readonly knowledge: readonly DraftKnowledge[];
}

/** Every member, in the order of a package. */
export function filesOf(draft: Draft): DraftFile[] {
  const { config, models, agents, tools, knowledge } = draft;
  return [...config, ...models.flatMap(({ files }) => files), ...agents, ...tools, ...knowledge];
}
