/**
 * What of a package goes to a node of one tier, as a file list: the manifest, its members, their checksums, and through whose hands it
 * went. The same for all who have it from the same import, so that they are one swarm. Pure. Spec: docs/spec/24-local-network.md §5.
 */
import type { NodeId, Sha256 } from '../../../core/index.ts';
import {
  type FileSetFile,
  membersOfTier,
  PACKAGE_FILES,
  type PackageManifest,
  type PackageTier,
  parseCustodyLine,
  splitCustody,
} from '../../../protocol/index.ts';
import { type FileListBlob, makeFileList } from '../../library/local-entry.ts';
import { type SmallBlob, toSmallBlob } from './small-blob.ts';

export interface TierFiles {
  readonly files: readonly FileSetFile[];
  readonly list: FileListBlob;
  /** Made here, and to be put into the store: checksums and custody. */
  readonly made: readonly SmallBlob[];
}

export interface PackageDocuments {
  readonly manifest: PackageManifest;
  readonly manifestBytes: Buffer;
  readonly custodyBytes: Buffer;
}

export function tierFiles(
  { manifest, manifestBytes, custodyBytes }: PackageDocuments,
  tier: PackageTier,
  self: NodeId,
): TierFiles {
  const members = membersOfTier(manifest, tier).map(({ path, sizeBytes, sha256, pieceRoot }) => ({
    path,
    size_bytes: sizeBytes,
    sha256,
    piece_root: pieceRoot,
  }));
  const manifestBlob = toSmallBlob(manifestBytes);
  const checksums = toSmallBlob(checksumsOf([{ path: PACKAGE_FILES.manifest, ...manifestBlob }, ...members]));
  const custody = toSmallBlob(custodyAsReceived(custodyBytes, self));
  const files = [
    toFile(PACKAGE_FILES.manifest, manifestBlob),
    ...members,
    toFile(PACKAGE_FILES.checksums, checksums),
    toFile(PACKAGE_FILES.custody, custody),
  ];
  return { files, list: makeFileList(files), made: [manifestBlob, checksums, custody] };
}

/** As `sha256sum -c` reads it in the unpacked folder. */
function checksumsOf(files: readonly { readonly path: string; readonly sha256: Sha256 }[]): Buffer {
  return Buffer.from(files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join(''));
}

/**
 * Without this node's own `synced` lines at the end: who has it from the mesh hands on what it was given, or each node's package would
 * be another content. What an import wrote stays: it is how the package came into this mesh.
 */
export function custodyAsReceived(bytes: Buffer, self: NodeId): Buffer {
  const lines = splitCustody(bytes);
  while (lines.length > 0) {
    const { action, by } = parseCustodyLine(lines.at(-1) ?? '');
    if (action !== 'synced' || by.node_id !== self) break;
    lines.pop();
  }
  return Buffer.from(lines.map((line) => `${line}\n`).join(''));
}

function toFile(path: string, { sha256, pieceRoot, bytes }: SmallBlob): FileSetFile {
  return { path, size_bytes: bytes.length, sha256, piece_root: pieceRoot };
}
