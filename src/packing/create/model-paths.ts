/** Where models lie in a package: under the last part of their names and their version. Pure. Spec: docs/spec/21-packages.md §2. */
import type { ModelId } from '../../core/index.ts';
import { toFolderName } from '../../protocol/index.ts';
import { endingOf } from '../mission/file-names.ts';

export interface NamedModel {
  readonly id: string;
  readonly version: string;
  readonly isFileSet: boolean;
  /** Paths inside the model. */
  readonly files: readonly { readonly path: string }[];
}

/** One for each, in order: `models/detector-1.3.onnx`, `models/bert-2.0` for a folder. Whole names where last parts are alike. */
export function modelPaths(models: readonly NamedModel[]): string[] {
  const short = models.map((model) => pathOf(model, lastPart(model.id)));
  const isTaken = alikeIn(short);
  return models.map((model, index) => {
    const path = short[index] ?? '';
    return isTaken(path) ? pathOf(model, toFolderName(model.id as ModelId)) : path;
  });
}

function pathOf({ version, isFileSet, files }: NamedModel, name: string): string {
  const ending = isFileSet ? '' : endingOf(files[0]?.path ?? '');
  return `models/${safe(name)}-${safe(version)}${ending}`;
}

function lastPart(id: string): string {
  return id.slice(id.lastIndexOf('/') + 1);
}

function safe(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9._%+-]/g, '-').replace(/^[.-]+|[. ]+$/g, '') || '_';
}

function alikeIn(paths: readonly string[]): (path: string) => boolean {
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(path.toLowerCase(), (counts.get(path.toLowerCase()) ?? 0) + 1);
  return (path) => (counts.get(path.toLowerCase()) ?? 0) > 1;
}
