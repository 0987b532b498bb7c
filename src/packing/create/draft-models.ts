/** Models as members: those of the library with what the daemon knows of them, those of the mission’s folder with what their headers say. */
import { DescriptionMemory, describeFiles, fingerprintFile } from '../../inventory/index.ts';
import type { PackageTier } from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';
import type { FolderModel } from '../mission/plan-mission.ts';
import type { LibraryModel } from '../ports.ts';
import type { DraftModel, FileDigests } from './draft.ts';
import { modelPaths } from './model-paths.ts';

/** A model before it has its place. */
export interface PlacelessModel extends Omit<DraftModel, 'path' | 'files'> {
  readonly files: readonly {
    /** Inside the model. */
    readonly path: string;
    readonly file: string;
    readonly sizeBytes: number;
    readonly known: FileDigests | undefined;
  }[];
}

export function placeModels(models: readonly PlacelessModel[]): DraftModel[] {
  const paths = modelPaths(models);
  return models.map((model, index): DraftModel => {
    const path = paths[index] ?? '';
    const files = model.files.map((file) => ({
      ...file,
      path: model.isFileSet ? `${path}/${file.path}` : path,
      tiers: model.tiers,
    }));
    return { ...model, path, files };
  });
}

/** What its row in the manifest says already. */
const FACTS = new Set(['model_id', 'version', 'sha256', 'size_bytes', 'piece_root', 'file_count', 'file_list_bytes']);

export function fromLibrary(model: LibraryModel, tiers: readonly PackageTier[] | undefined): PlacelessModel {
  const { model_id, version, is_file_set, files, entry, manifest } = model;
  return {
    ...{ id: model_id, version, isFileSet: is_file_set, tiers, manifest },
    entry: Object.fromEntries(Object.entries(entry).filter(([key, value]) => !FACTS.has(key) && value !== undefined)),
    files: files.map(({ path, file, size_bytes, sha256, piece_root }) => ({
      ...{ path, file, sizeBytes: size_bytes },
      known: { sha256, pieceRoot: piece_root } as FileDigests,
    })),
  };
}

/** Throws PackingError `bad_mission` where its header shows that it is damaged. */
export async function fromFolder(model: FolderModel, packageVersion: string): Promise<PlacelessModel> {
  const { id, version = packageVersion, isFileSet, files, tiers } = model;
  return {
    ...{ id, version, isFileSet, tiers, manifest: undefined },
    entry: await entryOf(model),
    files: files.map(({ path, file, sizeBytes }) => ({ path, file, sizeBytes, known: undefined })),
  };
}

async function entryOf({ id, source, isFileSet, files }: FolderModel): Promise<Record<string, unknown>> {
  const found = await Promise.all(
    files.map(async ({ path, file }) => {
      const fingerprint = await fingerprintFile(file);
      if (fingerprint === undefined) throw new PackingError('folder_unreadable', `Reading ${file}: it is gone`);
      return { path, absolutePath: file, fingerprint };
    }),
  );
  const { description, damaged } = await describeFiles(new DescriptionMemory(), found);
  if (damaged !== undefined) throw new PackingError('bad_mission', `Reading ${source}: ${damaged}`);
  const { type, format, capabilities, baseModel, quantization, paramsBillions, contextLength, unsafe } = description;
  const words = {
    ...{ base_model: baseModel, quantization, params_billions: paramsBillions, context_length: contextLength },
    ...{ unsafe: unsafe ? true : undefined, file: isFileSet ? undefined : files[0]?.path },
  };
  const said = Object.entries(words).filter(([, value]) => value !== undefined);
  return { name: id, type, format, capabilities, source: 'imported', ...Object.fromEntries(said) };
}
