/** Who vouches for a package: the mesh, by its authority or a node that may write, and a founder where there is one. Spec: docs/spec/21-packages.md §4, §5. */
import type { CustodyAction, CustodyLine, PackageManifest } from '../../protocol/index.ts';

export type UnsignedManifest = Pick<PackageManifest, 'package' | 'contents'>;

export interface HandOver {
  readonly action: CustodyAction;
  /** RFC 3339, whole seconds. */
  readonly at: string;
  readonly to?: string | undefined;
}

export interface Seal {
  /** Of the node whose home this is. */
  readonly nodeName: string;
  /** Signs; the same each time for the same manifest and keys. */
  seal(manifest: UnsignedManifest): PackageManifest;
  /** The next line of a chain; `before` is the text of custody.jsonl until now. */
  custody(manifest: UnsignedManifest, handOver: HandOver, before: string): CustodyLine;
}
