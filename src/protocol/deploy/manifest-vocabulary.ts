/**
 * What the two public vocabularies have in common: each is a way to write a manifest, and what it cannot say stands in one
 * object beside it, so that reading gives back exactly what was written. Spec: docs/spec/16-manifests.md §3, §5. Pure.
 */
import { isJsonObject, isSameJson, type JsonObject } from '../json-shape.ts';
import { type ModelManifest, manifestSchema } from './manifest.ts';

/** A vocabulary: field by field there and back. What comes out of `toManifest` is not checked yet. */
export interface Vocabulary {
  readonly name: 'seed1' | 'seed3';
  /** Without the extension. */
  readonly toDocument: (manifest: ModelManifest) => JsonObject;
  readonly toManifest: (document: JsonObject) => JsonObject;
  /** Where in a document a field of the manifest stands. */
  readonly pathOf: (path: readonly PropertyKey[]) => readonly PropertyKey[];
}

export const EXTENSION = 'x_atmosphere';

/** Which bytes it is of, and who signed it: said in the vocabulary's own fields and nowhere else. */
const NEVER_EXTENDED: readonly string[] = ['model_id', 'version', 'size_bytes', 'sha256', 'signature'];

/** The document, with what its vocabulary cannot say in the extension; null there is what the manifest does not have. */
export function writeIn(vocabulary: Vocabulary, manifest: ModelManifest): JsonObject {
  const document = vocabulary.toDocument(manifest);
  const readBack = manifestSchema.safeParse(vocabulary.toManifest(document)).data ?? {};
  const extension: JsonObject = {};
  for (const key of new Set([...Object.keys(manifest), ...Object.keys(readBack)])) {
    const wanted = (manifest as JsonObject)[key];
    if (!isSameJson(wanted, (readBack as JsonObject)[key])) extension[key] = wanted ?? null;
  }
  return Object.keys(extension).length === 0 ? document : { ...document, [EXTENSION]: extension };
}

/** A manifest that is not checked yet. */
export function readIn(vocabulary: Vocabulary, { [EXTENSION]: extension, ...document }: JsonObject): JsonObject {
  const manifest = vocabulary.toManifest(document);
  if (extension === undefined || extension === null) return manifest;
  if (!isJsonObject(extension)) return { ...manifest, [EXTENSION]: extension };
  for (const [key, value] of Object.entries(extension)) {
    if (value === null) delete manifest[key];
    else manifest[key] = value;
  }
  return manifest;
}

/** What is wrong with a document's extension, before its fields are looked at. */
export function extensionFault(document: JsonObject): string | undefined {
  const extension = document[EXTENSION] ?? {};
  if (!isJsonObject(extension)) return 'expected a mapping';
  const forbidden = NEVER_EXTENDED.find((key) => Object.hasOwn(extension, key));
  return forbidden === undefined ? undefined : `${forbidden} stands in the document itself, and nowhere else`;
}

/** The fields of `document` that are not in `known`; undefined when there are none. */
export function unknownFields(document: JsonObject, known: readonly string[]): JsonObject | undefined {
  const rest = Object.entries(document).filter(([key, value]) => !known.includes(key) && value !== null);
  return rest.length === 0 ? undefined : Object.fromEntries(rest);
}

/** Those of `source` that are there, by their new names. */
export function renamed(source: JsonObject, names: Readonly<Record<string, string>>): JsonObject {
  const found = Object.entries(names).filter(([from]) => source[from] !== undefined && source[from] !== null);
  return Object.fromEntries(found.map(([from, to]) => [to, source[from]]));
}

/** Mapping or nothing. What is neither is left to the check. */
export function asObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
