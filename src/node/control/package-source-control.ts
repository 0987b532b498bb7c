/**
 * What the tools that read files are told of this machine: where a model lies, what it is, and which contents are here at all. They read the
 * bytes themselves, and verify them. Spec: docs/spec/21-packages.md §14.
 */
import type { AnswerOf, ControlHandlers } from '../../api/index.ts';
import { AtmosphereError, type Sha256 } from '../../core/index.ts';
import { shortManifest } from '../../protocol/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import { NodeError } from '../errors.ts';
import { toEntry } from '../library/local-entry.ts';
import { localOf } from './model-control.ts';
import { nearestOf } from './nearest-names.ts';
import type { NodeParts } from './parts.ts';

type PackageSourceControl = Pick<ControlHandlers, 'packageResolve' | 'packageBlobs' | 'packageInstalled'>;
type Resolved = AnswerOf<'packageResolve'>['models'][number];

export function packageSourceControl(parts: NodeParts): PackageSourceControl {
  return {
    async packageResolve({ body }) {
      return { maker: makerOf(parts), models: body.models.map((wanted) => resolveOne(parts, wanted)) };
    },
    packageInstalled: ({ query }) => installed(parts, query),
    async packageBlobs({ body }) {
      const found = await Promise.all(body.sha256.map((sha256) => parts.store.stat(sha256 as Sha256)));
      const there = found.flatMap((blob) => blob ?? []);
      return { blobs: there.map(({ sha256, path, sizeBytes }) => ({ sha256, file: path, size_bytes: sizeBytes })) };
    },
  };
}

function makerOf({ mesh, name }: NodeParts): AnswerOf<'packageResolve'>['maker'] {
  return { node_id: mesh.nodeId, name, mesh_id: mesh.meshId };
}

interface Wanted {
  readonly id: string;
  readonly range?: string | undefined;
}

function resolveOne(parts: NodeParts, { id, range }: Wanted): Resolved {
  try {
    return { model: toResolved(parts, localOf(parts, id, range)), missing: null };
  } catch (thrown) {
    if (!(thrown instanceof AtmosphereError)) throw thrown;
    const near = nearestOf(id, nameable(parts));
    return { model: null, missing: { code: thrown.code, message: thrown.message, near } };
  }
}

function nameable({ library }: NodeParts): string[] {
  return library.list().map(({ modelId, version }) => `${modelId}@${version}`);
}

/** Throws NodeError `model_not_ready`. */
function toResolved(parts: NodeParts, model: LocalModel): Resolved['model'] {
  const entry = toEntry(model);
  const manifest = parts.manifests.manifestHere(model);
  if (entry?.piece_root === undefined || manifest === undefined)
    throw new NodeError(
      'model_not_ready',
      `Looking for ${model.modelId}@${model.version}: it is here, and not yet read`,
    );
  const { model_id, version, sha256, piece_root, size_bytes, file_count } = entry;
  return {
    ...{ model_id, version, sha256, piece_root, size_bytes, is_file_set: file_count !== undefined },
    files: model.files.map(({ path, absolutePath, sizeBytes, sha256: own, pieceRoot }) => ({
      ...{ path, file: absolutePath, size_bytes: sizeBytes },
      ...{ sha256: own ?? sha256, piece_root: pieceRoot ?? piece_root },
    })),
    manifest: shortManifest(manifest),
    entry: { ...entry },
  };
}

/** Throws PackageError `not_installed`. */
async function installed(parts: NodeParts, { id, version }: { id: string; version?: string | undefined }) {
  const members = await parts.packages.members(id, version);
  const { version: kept, manifestSha256, tier } = parts.packages.versionOf(id, version);
  return {
    maker: makerOf(parts),
    ...{ id, version: kept, manifest_sha256: manifestSha256, tier },
    members: members.map(({ path, absolutePath, sizeBytes }) => ({ path, file: absolutePath, size_bytes: sizeBytes })),
  };
}
