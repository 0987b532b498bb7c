/**
 * What the owner says of a model instead of what is generated, field by field, so that the rest follows the model's headers.
 * Spec: docs/spec/16-manifests.md §10.2. Pure.
 */
import { isSameJson, type ModelManifest, parseManifest, shortManifest } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';

/** null: not to be there. */
export type OwnerWords = Readonly<Record<string, unknown>>;

/** Facts of the bytes: whoever says otherwise speaks of another model. */
const FACTS = ['model_id', 'version', 'size_bytes', 'sha256', 'piece_root', 'file_count', 'file_list_bytes'] as const;
/** Of the signing, and what the file is called here: not the owner's words. */
const NO_WORDS: readonly string[] = ['signature', 'revision', 'withdrawn', 'file'];

/** Throws ProtocolError `malformed`, `too_large`. */
export function applyWords(generated: ModelManifest, words: OwnerWords): ModelManifest {
  if (Object.keys(words).length === 0) return generated;
  const said = Object.entries(words).filter(([, value]) => value !== null);
  const rest = Object.entries(generated).filter(([key]) => !Object.hasOwn(words, key));
  return parseManifest(Object.fromEntries([...rest, ...said]));
}

/** What makes `wanted` of `generated`. Throws NodeError `manifest_mismatch`. */
export function wordsOf(generated: ModelManifest, wanted: ModelManifest): OwnerWords {
  const fault = mismatchOf(generated, wanted);
  if (fault !== undefined)
    throw new NodeError('manifest_mismatch', `Describing ${generated.model_id}@${generated.version}: ${fault}`);
  const [from, to]: Record<string, unknown>[] = [generated, wanted];
  const words: Record<string, unknown> = {};
  for (const key of new Set([...Object.keys(generated), ...Object.keys(wanted)])) {
    if (NO_WORDS.includes(key) || FACTS.some((fact) => fact === key)) continue;
    if (!isSameJson(from?.[key], to?.[key])) words[key] = to?.[key] ?? null;
  }
  return words;
}

/** A manifest that says a part, with the rest as it was found. */
export function completeManifest(generated: ModelManifest, said: ModelManifest): ModelManifest {
  return parseManifest({ ...generated, ...shortManifest(said) });
}

/** Where a manifest speaks of other bytes than these. Facts that it leaves out are no lie. */
export function mismatchOf(actual: ModelManifest, said: ModelManifest): string | undefined {
  const fact = FACTS.find((one) => said[one] !== undefined && said[one] !== actual[one]);
  return fact === undefined ? undefined : `the manifest says ${fact} ${said[fact]}, and it is ${actual[fact]}`;
}
