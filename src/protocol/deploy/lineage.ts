/** What a model was made from, back to the first that nobody knows more of. Spec: docs/spec/16-manifests.md §9. Pure. */
import { ProtocolError } from '../errors.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import type { ModelManifest } from './manifest.ts';

type Descendant = Pick<ModelManifest, 'model_id' | 'version' | 'parent_model'>;

export interface Ancestor {
  /** As the child names it. */
  readonly ref: string;
  /** Undefined where no manifest of it is known; it is then the last. */
  readonly manifest: Descendant | undefined;
}

export interface ParentRef {
  readonly modelId: string;
  /** Undefined: whichever. */
  readonly version: string | undefined;
}

/** `org/base@1.2` is a model and its version, `org/base` a model. */
export function parseParentRef(ref: string): ParentRef {
  const at = ref.lastIndexOf('@');
  const hasVersion = at > ref.lastIndexOf('/') + 1 && at < ref.length - 1;
  return hasVersion ? { modelId: ref.slice(0, at), version: ref.slice(at + 1) } : { modelId: ref, version: undefined };
}

/** Nearest first. Throws ProtocolError `bad_lineage` for a circle and for a chain over the limit. */
export function lineageOf(
  model: Descendant,
  manifestOf: (parent: ParentRef) => Descendant | undefined,
): readonly Ancestor[] {
  const ancestors: Ancestor[] = [];
  const line: Descendant[] = [model];
  let child = model;
  while (child.parent_model !== undefined) {
    const ref = child.parent_model;
    const parent = parseParentRef(ref);
    const isItself = parent.modelId === child.model_id && (parent.version ?? child.version) === child.version;
    const manifest = isItself ? child : (manifestOf(parent) ?? line.find((one) => isNamed(one, parent)));
    if (manifest !== undefined && line.some((one) => nameOf(one) === nameOf(manifest)))
      throw circle(model, [...ancestors, { ref }]);
    ancestors.push({ ref, manifest });
    if (ancestors.length > PROTOCOL_LIMITS.lineageDepth) throw tooDeep(model);
    if (manifest === undefined) break;
    line.push(manifest);
    child = manifest;
  }
  return ancestors;
}

function isNamed({ model_id, version }: Descendant, parent: ParentRef): boolean {
  return model_id === parent.modelId && (parent.version ?? version) === version;
}

function nameOf({ model_id, version }: Descendant): string {
  return `${model_id}@${version}`;
}

function circle(model: Descendant, chain: readonly { readonly ref: string }[]): ProtocolError {
  const shown = [nameOf(model), ...chain.map(({ ref }) => ref)].slice(0, SHOWN).join(' ← ');
  return new ProtocolError('bad_lineage', `Following what ${nameOf(model)} was made from: a circle, ${shown}`);
}

const SHOWN = 8;

function tooDeep(model: Descendant): ProtocolError {
  const { lineageDepth } = PROTOCOL_LIMITS;
  return new ProtocolError(
    'bad_lineage',
    `Following what ${nameOf(model)} was made from: over ${lineageDepth} models, wanted at most ${lineageDepth}`,
  );
}
