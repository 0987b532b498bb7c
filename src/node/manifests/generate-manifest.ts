/** The manifest of a local model, from what was found in its headers. Spec: docs/spec/16-manifests.md §10.1. Pure. */
import { MiB } from '../../core/index.ts';
import {
  entryToManifest,
  estimateVramMb,
  type ModelManifest,
  PROTOCOL_LIMITS,
  parseManifest,
  presetNamed,
} from '../../protocol/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import { descriptionOf, toEntry } from '../library/local-entry.ts';

/** What a model takes in memory beyond its bytes. */
const MEMORY_OVERHEAD = 1.2;
/** Room for the owner's words and a signature. */
const ROOM_BYTES = PROTOCOL_LIMITS.manifestBytes / 2;

/** Undefined for a model that is not offered: not ready, or not describable. Made once for a row. */
export function generateManifest(model: LocalModel): ModelManifest | undefined {
  if (!MADE.has(model)) MADE.set(model, make(model));
  return MADE.get(model);
}

const MADE = new WeakMap<LocalModel, ModelManifest | undefined>();

function make(model: LocalModel): ModelManifest | undefined {
  const entry = toEntry(model);
  if (entry === undefined) return undefined;
  const plain = entryToManifest(entry);
  const { addedAtMs } = descriptionOf(model);
  const manifest = {
    ...plain,
    ...classesOf(model),
    needs: needsOf(plain),
    ...(addedAtMs === undefined ? {} : { created_at: new Date(addedAtMs).toISOString() }),
  };
  return parseManifest(manifest);
}

function needsOf(manifest: ModelManifest): ModelManifest['needs'] {
  const preset = presetNamed(manifest.model_id);
  if (preset !== undefined && preset.format === manifest.format) return preset.needs;
  return {
    ...manifest.needs,
    min_memory_mb: Math.ceil((manifest.size_bytes / MiB) * MEMORY_OVERHEAD),
    recommended_vram_mb: estimateVramMb(manifest),
  };
}

/** All of them, as far as they fit; gossip has a hundred. */
function classesOf(model: LocalModel): Pick<ModelManifest, 'classes'> {
  const { classes } = descriptionOf(model);
  if (classes === undefined) return {};
  return Buffer.byteLength(JSON.stringify(classes)) <= ROOM_BYTES ? { classes: [...classes] } : {};
}
