/**
 * A manifest as somebody wrote it: in one of the two public vocabularies or in our own fields, as an object or as YAML or JSON
 * text. Spec: docs/spec/16-manifests.md §2–§5.
 */
import { stringify } from 'yaml';
import { z } from 'zod';
import { ProtocolError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json-shape.ts';
import { reasonOf } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { documentError, parseYamlText, type YamlProblem } from '../yaml-text.ts';
import { type ModelManifest, manifestSchema, parseManifest } from './manifest.ts';
import { SEED1 } from './manifest-seed1.ts';
import { SEED3 } from './manifest-seed3.ts';
import { shortManifest } from './manifest-short.ts';
import { EXTENSION, extensionFault, readIn, type Vocabulary, writeIn } from './manifest-vocabulary.ts';

export const MANIFEST_VOCABULARIES = ['atmosphere', 'seed1', 'seed3'] as const;
export type ManifestVocabulary = (typeof MANIFEST_VOCABULARIES)[number];

export interface ManifestDocument {
  readonly manifest: ModelManifest;
  readonly vocabulary: ManifestVocabulary;
}

const VOCABULARIES: Readonly<Record<'seed1' | 'seed3', Vocabulary>> = { seed1: SEED1, seed3: SEED3 };

/** In which vocabulary an object is, by the fields that only one of them has. */
export function vocabularyOf(document: JsonObject): ManifestVocabulary {
  if ('checksum_sha256' in document || 'node_requirements' in document) return 'seed1';
  if ('type' in document && !('model_type' in document)) return 'seed1';
  const isSeed3 = isJsonObject(document.requirements) && !('needs' in document);
  return isSeed3 || EXTENSION in document ? 'seed3' : 'atmosphere';
}

/** `facts` stand for what the document leaves out. Throws ProtocolError `malformed`, `too_large`. */
export function parseManifestDocument(value: unknown, facts: Partial<ModelManifest> = {}): ManifestDocument {
  const vocabulary = isJsonObject(value) ? vocabularyOf(value) : 'atmosphere';
  const [problem] = problemsOf(value, vocabulary, facts);
  if (problem !== undefined)
    throw new ProtocolError('malformed', `Reading a model manifest: ${[...problem.path, problem.message].join(': ')}`);
  return { manifest: parseManifest(toPlain(value, vocabulary, facts)), vocabulary };
}

/** As an object of that vocabulary; `parseManifestDocument` gives back the same manifest. */
export function toManifestDocument(manifest: ModelManifest, vocabulary: ManifestVocabulary): JsonObject {
  return vocabulary === 'atmosphere' ? shortManifest(manifest) : writeIn(VOCABULARIES[vocabulary], manifest);
}

/** Throws ProtocolError `bad_document` with every mistake and its line. */
export function parseManifestText(text: string): ManifestDocument {
  const { value, vocabulary } = readText(text, {});
  return { manifest: parseManifest(toPlain(value, vocabulary)), vocabulary };
}

/** Of any model: whoever describes one that is there need not say what its bytes say. */
const SOME_FACTS = parseManifest({
  ...{ model_id: 'any', name: 'any', version: '0', model_type: 'custom', format: 'onnx', size_bytes: 0 },
  sha256: 'ab'.repeat(32),
});

/** The text as an object, in its vocabulary, that may leave out what is known of the model. Throws as `parseManifestText`. */
export function parseManifestPart(text: string): JsonObject {
  const { value } = readText(text, SOME_FACTS);
  return value as JsonObject;
}

function readText(text: string, facts: Partial<ModelManifest>) {
  const what = 'a model manifest';
  const reading = { what, maxBytes: PROTOCOL_LIMITS.manifestBytes, isText };
  const { value, placeOf } = parseYamlText(text, reading);
  const vocabulary = isJsonObject(value) ? vocabularyOf(value) : 'atmosphere';
  const problems = problemsOf(value, vocabulary, facts).map(
    ({ path, message }): YamlProblem => ({ ...placeOf(path), path: path.join('.'), message }),
  );
  if (problems.length > 0) throw documentError(what, problems);
  return { value, vocabulary };
}

export function toManifestYaml(manifest: ModelManifest, vocabulary: ManifestVocabulary): string {
  return stringify(toManifestDocument(manifest, vocabulary), { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Words and not numbers, whatever they look like. */
const TEXT_KEYS: ReadonlySet<string> = new Set([
  ...['model_id', 'name', 'version', 'sha256', 'checksum_sha256', 'piece_root', 'blob_hash', 'quantization', 'license'],
  ...['source', 'created_at', 'trained_on', 'training_data_domain', 'training_node', 'parent_model', 'file'],
]);

function isText(keys: readonly string[]): boolean {
  const [first, second] = keys[0] === EXTENSION ? keys.slice(1) : keys;
  return second === undefined && first !== undefined && TEXT_KEYS.has(first);
}

interface Problem {
  readonly path: readonly PropertyKey[];
  readonly message: string;
}

function problemsOf(value: unknown, vocabulary: ManifestVocabulary, facts: Partial<ModelManifest>): Problem[] {
  if (!isJsonObject(value)) return [{ path: [], message: 'expected a mapping of fields' }];
  const fault = vocabulary === 'atmosphere' ? undefined : extensionFault(value);
  if (fault !== undefined) return [{ path: [EXTENSION], message: fault }];
  const plain = toPlain(value, vocabulary, facts);
  const parsed = manifestSchema.safeParse(plain);
  if (parsed.success) return [];
  return parsed.error.issues.map((issue) => ({
    path: placeIn(value, vocabulary, issue.path),
    message: isMissing(plain, issue.path) ? 'it is missing' : reasonOf(new z.ZodError([{ ...issue, path: [] }])),
  }));
}

function isMissing(plain: unknown, path: readonly PropertyKey[]): boolean {
  const [first, ...rest] = path;
  if (first === undefined) return plain === undefined || plain === null;
  return isMissing((plain as Record<PropertyKey, unknown> | null | undefined)?.[first], rest);
}

/** A manifest that is not checked yet. */
function toPlain(value: unknown, vocabulary: ManifestVocabulary, facts: Partial<ModelManifest> = {}): unknown {
  if (!isJsonObject(value)) return value;
  const plain = vocabulary === 'atmosphere' ? value : readIn(VOCABULARIES[vocabulary], value);
  const said = Object.entries(plain).filter(([, field]) => field !== undefined && field !== null);
  return { ...facts, ...Object.fromEntries(said) };
}

/** Where the document says what the manifest's field says. */
function placeIn(document: JsonObject, vocabulary: ManifestVocabulary, path: readonly PropertyKey[]) {
  if (vocabulary === 'atmosphere') return path;
  const extension = document[EXTENSION];
  const isExtended = isJsonObject(extension) && path[0] !== undefined && path[0] in extension;
  return isExtended ? [EXTENSION, ...path] : VOCABULARIES[vocabulary].pathOf(path);
}
