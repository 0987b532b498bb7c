/**
 * The models of packages in the library, so that they are offered to everybody at once. What was here before a package came is not taken
 * over, and stays when the package goes. Spec: docs/spec/21-packages.md §8.
 */
import type { ModelId } from '../../core/index.ts';
import {
  type FileSetFile,
  fileSetOf,
  isOfTier,
  type ModelEntry,
  type ModelManifest,
  type PackagedModel,
  type PackageManifest,
  type PackageTier,
  packagedModelEntry,
  parseManifest,
  parsePackageManifest,
} from '../../protocol/index.ts';
import type { PackageModel, PackageRepository, PackageVersion } from '../../registry/index.ts';
import type { BlobStore } from '../../store/index.ts';
import { makeFileList } from '../library/local-entry.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import { PackageError } from './errors.ts';
import type { ModelsPort } from './install-ports.ts';
import { keptVersions } from './kept-versions.ts';

export interface PackageModelsDeps {
  readonly library: Pick<ModelLibrary, 'install' | 'pathOf' | 'find' | 'remove'>;
  /** Takes a manifest that came with a model, where it is signed by somebody whose word counts. */
  readonly keepManifest: (manifest: ModelManifest) => void;
  /** Something else here wants it: a deployment, a pin. */
  readonly isWanted: (model: PackageModel) => boolean;
  readonly rows: Pick<PackageRepository, 'list'>;
  readonly store: BlobStore;
}

export interface PackagedFiles {
  readonly entry: ModelEntry;
  readonly files: readonly FileSetFile[];
  readonly manifest: ModelManifest | undefined;
}

export class PackageModels implements ModelsPort {
  readonly #deps: PackageModelsDeps;

  constructor(deps: PackageModelsDeps) {
    this.#deps = deps;
  }

  async install(version: PackageVersion): Promise<void> {
    const { library, keepManifest } = this.#deps;
    for (const { entry, files, manifest } of modelsOfTier(await this.manifestOf(version), version.tier)) {
      if ((await library.pathOf(entry)) === undefined) await library.install({ entry, files, sourceNode: undefined });
      if (manifest !== undefined) keepManifest(manifest);
    }
  }

  async drop(version: PackageVersion): Promise<void> {
    const { library, rows, isWanted } = this.#deps;
    const needed = new Set(keptVersions(rows.list()).flatMap(({ models }) => models.map(keyOf)));
    for (const model of version.models) {
      if (!model.isBrought || needed.has(keyOf(model)) || isWanted(model)) continue;
      const row = library.find({ model_id: model.modelId, version: model.version, sha256: model.sha256 });
      if (row !== undefined) await library.remove(row);
    }
  }

  /** As it is written down with the version; `isBrought` of one that another package brought stays so. */
  toRows(models: readonly PackagedFiles[], others: readonly PackageVersion[]): PackageModel[] {
    const brought = new Set(others.flatMap((one) => one.models.filter(({ isBrought }) => isBrought).map(keyOf)));
    return models.map(({ entry: { model_id, version, sha256 } }) => {
      const key = { modelId: model_id, version, sha256 };
      const isHere = this.#deps.library.find({ model_id, version, sha256 }) !== undefined;
      return { ...key, isBrought: !isHere || brought.has(keyOf(key)) };
    });
  }

  async manifestOf({ id, version, members }: PackageVersion): Promise<PackageManifest> {
    const member = members.find(({ path }) => path === 'manifest.yaml');
    const what = `Reading the manifest of ${id} ${version}: it left the store`;
    if (member === undefined) throw new PackageError('previous_incomplete', what);
    await using reader = await this.#deps.store.openRead(member.sha256);
    const bytes = Buffer.alloc(member.sizeBytes);
    await reader.read(bytes, 0);
    return parsePackageManifest(bytes);
  }
}

/** What a device of the tier gets, as the library takes it. */
export function modelsOfTier({ contents }: PackageManifest, tier: string): PackagedFiles[] {
  return (contents.models ?? []).filter((model) => isOfTier(model, tier as PackageTier)).map(toFiles);
}

function toFiles(model: PackagedModel): PackagedFiles {
  const entry = packagedModelEntry(model);
  const list = fileSetOf(model);
  const files = list?.files ?? [onlyFile(entry)];
  return { entry, files, manifest: model.manifest === undefined ? undefined : parseManifest(model.manifest) };
}

function onlyFile({ file = '', size_bytes, sha256, piece_root }: ModelEntry): FileSetFile {
  if (piece_root === undefined) throw new TypeError('a packaged model has a piece root');
  return { path: file, size_bytes, sha256, piece_root };
}

/** The blobs that name models of several files. */
export function fileListsOf(models: readonly PackagedFiles[]): ReturnType<typeof makeFileList>[] {
  return models.filter(({ entry }) => entry.file_count !== undefined).map(({ files }) => makeFileList(files));
}

function keyOf({ modelId, version, sha256 }: { modelId: ModelId; version: string; sha256: string }): string {
  return `${modelId}\n${version}\n${sha256}`;
}
