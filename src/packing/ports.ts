/** What making packages asks of the outside: where models are that a mission names. */
import type { Sha256 } from '../core/index.ts';

export interface LibraryFile {
  /** As it is called inside the model. */
  readonly path: string;
  /** Where its bytes lie on this machine. */
  readonly file: string;
  readonly size_bytes: number;
  readonly sha256: string;
  readonly piece_root: string;
}

/** A model whose bytes are on this machine, as the daemon knows it; who packs it reads and verifies them. */
export interface LibraryModel {
  readonly model_id: string;
  readonly version: string;
  readonly sha256: string;
  readonly piece_root: string;
  readonly size_bytes: number;
  readonly is_file_set: boolean;
  readonly files: readonly LibraryFile[];
  readonly manifest: Readonly<Record<string, unknown>>;
  readonly entry: Readonly<Record<string, unknown>>;
}

export interface MissingModel {
  readonly code: string;
  readonly message: string;
  readonly near: readonly string[];
}

export interface ModelWanted {
  readonly id: string;
  readonly range?: string | undefined;
}

/** In the order of the question; each is there or missing. */
export type ResolveModels = (
  wanted: readonly ModelWanted[],
) => Promise<readonly { readonly model: LibraryModel | null; readonly missing: MissingModel | null }[]>;

/** Which of these contents are on this machine, and in which files. Others are left out. */
export type FindBlobs = (digests: readonly Sha256[]) => Promise<ReadonlyMap<Sha256, string>>;
