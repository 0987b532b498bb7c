/** What a node's status says of a rollout. Spec: docs/spec/19-rollout.md §4.5, §5.1. Pure. */
import { isInForce, type ModelManifest, type ModelStatusEntry, type RolloutSpec } from '../../protocol/index.ts';

/** Formats that a runtime loads here (17-deployment §5): of those `Ready` is not enough where the model has to answer. */
const LOADED_FORMATS: readonly string[] = ['onnx'];

export type Going = 'well' | 'failed' | 'working';

/** How the new version does there; `entries` are the node's of this model. */
export function goingOf(spec: RolloutSpec, entries: readonly ModelStatusEntry[]): Going {
  const { manifest } = spec;
  const own = entries.filter((entry) => isContent(entry, manifest));
  if (own.some((entry) => entry.status === 'Failed' && isBecauseOf(spec, entry))) return 'failed';
  const mustLoad = spec.probe && LOADED_FORMATS.includes(manifest.format);
  const isWell = own.some(({ status }) => status === 'Loaded' || (status === 'Ready' && !mustLoad));
  return isWell ? 'well' : 'working';
}

/** Why it failed there, in the node's words. */
export function errorOf(spec: RolloutSpec, entries: readonly ModelStatusEntry[]): string | undefined {
  return entries.find((entry) => isContent(entry, spec.manifest) && isBecauseOf(spec, entry))?.error;
}

export type Return = 'back' | 'stuck' | 'going';

/** How its way back goes: to `previous`, or to nothing where it had nothing. */
export function returnOf(spec: RolloutSpec, entries: readonly ModelStatusEntry[], had: boolean): Return {
  const { manifest, previous } = spec;
  if (entries.some((entry) => entry.error_code === 'rollback_failed' && isBecauseOf(spec, entry))) return 'stuck';
  const isRid = entries.every((entry) => !isContent(entry, manifest) || entry.status === 'Failed');
  const isThere =
    !had || previous === undefined || entries.some((entry) => isContent(entry, previous) && isInForce(entry));
  return isRid && isThere ? 'back' : 'going';
}

/** Something of this model, other than the new version, is in force there. */
export function hasEarlier(spec: RolloutSpec, entries: readonly ModelStatusEntry[]): boolean {
  return entries.some(
    (entry) => (!isContent(entry, spec.manifest) && isInForce(entry)) || entry.previous_version !== undefined,
  );
}

/** The rollout gave it the new version, whoever's record said so. */
export function wasGiven(spec: RolloutSpec, entries: readonly ModelStatusEntry[]): boolean {
  return entries.some((entry) => isContent(entry, spec.manifest) && isBecauseOf(spec, entry));
}

function isContent(entry: ModelStatusEntry, manifest: ModelManifest): boolean {
  return entry.version === manifest.version && entry.sha256 === manifest.sha256;
}

function isBecauseOf({ rollout_id }: RolloutSpec, { because }: ModelStatusEntry): boolean {
  return because === `rollout:${rollout_id}`;
}
