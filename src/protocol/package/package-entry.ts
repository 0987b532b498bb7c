/** A packaged model as a catalog entry: the facts of the manifest, and the words that its `entry` adds. Spec: docs/spec/21-packages.md §4.5. Pure. */
import { basename } from 'node:path/posix';
import { type ModelEntry, modelEntrySchema } from '../catalog.ts';
import { parseAs } from '../certificate.ts';
import { parseManifest } from '../deploy/manifest.ts';
import { manifestToEntry } from '../deploy/manifest-entry.ts';
import { fileSetBytes } from '../file-set.ts';
import type { PackagedModel } from './package-manifest.ts';
import { digestOf, fileSetOf } from './package-members.ts';

/** Throws ProtocolError `malformed`. */
export function packagedModelEntry(model: PackagedModel): ModelEntry {
  const words = model.manifest === undefined ? {} : manifestToEntry(parseManifest(model.manifest));
  return parseAs(modelEntrySchema, { name: model.id, ...words, ...model.entry, ...factsOf(model) }, 'a packaged model');
}

/** Undefined: the field is not to be there, whatever the words say. */
function factsOf(model: PackagedModel): Partial<Record<keyof ModelEntry, unknown>> {
  const { id, version, size_bytes, hash, piece_root, entry } = model;
  const list = fileSetOf(model);
  const shape =
    list === undefined
      ? { file: entry?.file ?? basename(model.path), file_count: null, file_list_bytes: null }
      : { file: null, file_count: list.files.length, file_list_bytes: fileSetBytes(list).length };
  return { model_id: id, version, size_bytes, sha256: digestOf(hash), piece_root, ...shape };
}
