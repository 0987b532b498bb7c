/** An Ollama manifest and the files of the model it names. Pure. Spec: docs/spec/08-inventory.md §4. */
import { z } from 'zod';
import { messageOf, parseSha256, type Sha256 } from '../core/index.ts';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import { InventoryError } from './errors.ts';

const layerSchema = z.object({
  mediaType: z.string().max(PROTOCOL_LIMITS.labelChars),
  digest: z.string().regex(/^sha256[:-][0-9a-f]{64}$/),
  size: z.number().int().nonnegative().max(PROTOCOL_LIMITS.blobBytes),
});
const manifestSchema = z.object({ config: layerSchema.nullish(), layers: z.array(layerSchema).min(1).max(1000) });

export interface OllamaLayer {
  /** Its name in the model. */
  readonly path: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
}

const NAME_OF_KIND: Readonly<Record<string, string>> = {
  model: 'model.gguf',
  projector: 'projector.gguf',
  adapter: 'adapter.gguf',
};

/** Layers in order, the config last. Throws InventoryError `bad_manifest`. */
export function parseOllamaManifest(bytes: Buffer): OllamaLayer[] {
  const manifest = parseJson(bytes);
  const used = new Map<string, number>();
  const layers = manifest.layers.map((layer) => toLayer(layer, distinct(used, nameOfLayer(layer.mediaType))));
  return manifest.config ? [...layers, toLayer(manifest.config, 'config.json')] : layers;
}

function parseJson(bytes: Buffer): z.infer<typeof manifestSchema> {
  try {
    return manifestSchema.parse(JSON.parse(bytes.toString('utf8')));
  } catch (cause) {
    throw new InventoryError('bad_manifest', `Reading an Ollama manifest: ${messageOf(cause).slice(0, 300)}`, {
      cause,
    });
  }
}

function toLayer(layer: z.infer<typeof layerSchema>, path: string): OllamaLayer {
  return { path, sha256: parseSha256(layer.digest.slice('sha256:'.length)), sizeBytes: layer.size };
}

/** `application/vnd.ollama.image.model` → `model.gguf`. */
function nameOfLayer(mediaType: string): string {
  const kind = /\.image\.([a-z]{1,20})$/.exec(mediaType)?.[1] ?? 'layer';
  return NAME_OF_KIND[kind] ?? kind;
}

function distinct(used: Map<string, number>, name: string): string {
  const count = (used.get(name) ?? 0) + 1;
  used.set(name, count);
  return count === 1 ? name : name.replace(/(\.gguf)?$/, `-${count}$1`);
}
