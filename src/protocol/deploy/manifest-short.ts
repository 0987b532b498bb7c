/**
 * A manifest without the fields that say nothing: those that hold what they hold when nobody gave them. It is what people read,
 * and what a signature covers, so that a field that a later version adds breaks no older signature.
 * Spec: docs/spec/16-manifests.md §1, §8. Pure.
 */
import { isJsonObject, isSameJson, type JsonObject } from '../json-shape.ts';

const NOTHING: JsonObject = {
  unsafe: false,
  revision: 0,
  withdrawn: false,
  capabilities: [],
  features: [],
  python_requirements: [],
  config: {},
  metadata: {},
};
const NOTHING_NEEDED: JsonObject = {
  min_memory_mb: 0,
  min_vram_mb: 0,
  recommended_vram_mb: 0,
  min_cpu_cores: 0,
  gpu_required: false,
  architectures: [],
  execution_providers: [],
};
const NOTHING_DEPLOYED: JsonObject = { priority: 'normal', replicas: 0, regions: [], roles: [] };

/** The same for a manifest that was parsed and one that was not, and for one that is short already. */
export function shortManifest<Manifest extends object>(manifest: Manifest): JsonObject {
  const { needs, deployment, ...rest } = manifest as JsonObject;
  const parts = { needs: shortPart(needs, NOTHING_NEEDED), deployment: shortPart(deployment, NOTHING_DEPLOYED) };
  return { ...without(rest, NOTHING), ...without(parts, {}) };
}

/** Undefined when nothing is left of it. */
function shortPart(part: unknown, nothing: JsonObject): unknown {
  if (!isJsonObject(part)) return part ?? undefined;
  const left = without(part, nothing);
  return Object.keys(left).length === 0 ? undefined : left;
}

function without(fields: JsonObject, nothing: JsonObject): JsonObject {
  const said = Object.entries(fields).filter(
    ([key, value]) => value !== undefined && !(Object.hasOwn(nothing, key) && isSameJson(value, nothing[key])),
  );
  return Object.fromEntries(said);
}
