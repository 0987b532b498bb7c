/** Who vouches for a package: the mesh, by its authority or a node that may write, and a founder where there is one. Spec: docs/spec/21-packages.md §6, §7. */
import type { CustodyAction, PackageManifest } from '../../protocol/index.ts';

export type UnsignedManifest = Pick<PackageManifest, 'package' | 'contents'>;

export interface HandOver {
  readonly action: CustodyAction;
  readonly nowMs: number;
  readonly to?: string | undefined;
}

/** Says through whose hands a package goes. */
export interface Hand {
  /** Of the node whose home this is. */
  readonly nodeName: string;
  /** The whole of the new custody.jsonl; `before` is what it was. */
  custody(manifest: PackageManifest, handOver: HandOver, before: string): string;
}

export interface Seal extends Hand {
  /** Signs; the same each time for the same manifest and keys. */
  seal(manifest: UnsignedManifest): PackageManifest;
}
