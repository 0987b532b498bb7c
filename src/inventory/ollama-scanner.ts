/** Models in an Ollama store. Spec: docs/spec/08-inventory.md §4. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { systemCodeOf } from '../core/index.ts';
import { mapBounded } from './bounded-map.ts';
import { buildModel } from './build-model.ts';
import { DescriptionMemory } from './description-memory.ts';
import { InventoryError } from './errors.ts';
import { fingerprintFile } from './file-state.ts';
import { unreadable } from './folder-entries.ts';
import type { FoundFile, FoundModel } from './found-model.ts';
import { INVENTORY_LIMITS } from './limits.ts';
import { toModelId } from './model-ids.ts';
import { type OllamaLayer, parseOllamaManifest } from './ollama-manifest.ts';
import type { ScanContext, Scanner } from './scanner.ts';
import { realPathOrUndefined, type WalkedFile, walkFiles } from './walk-files.ts';

const HOME_REGISTRY = 'registry.ollama.ai';

/** `OLLAMA_MODELS`, else `~/.ollama/models`. */
export function ollamaStoreFolder(env: Readonly<Record<string, string | undefined>>, home = homedir()): string {
  return env.OLLAMA_MODELS || join(home, '.ollama', 'models');
}

export class OllamaScanner implements Scanner {
  readonly name = 'ollama';
  readonly root: string;
  readonly #memory = new DescriptionMemory();

  constructor(root: string) {
    this.root = root;
  }

  async *scan(context: ScanContext): AsyncGenerator<FoundModel> {
    const root = await realPathOrUndefined(this.root);
    if (root === undefined) return;
    context.onFolder(root);
    context.onFolder(join(root, 'blobs'));
    const manifests = await walkFiles(join(root, 'manifests'), { context, boundary: root });
    const found = mapBounded(manifests, INVENTORY_LIMITS.scanConcurrency, (manifest) =>
      this.#scanManifest(context, root, manifest),
    );
    for await (const model of found) if (model !== undefined) yield model;
  }

  async #scanManifest(context: ScanContext, root: string, manifest: WalkedFile): Promise<FoundModel | undefined> {
    try {
      return await this.#toModel(root, manifest);
    } catch (cause) {
      context.signal.throwIfAborted();
      context.report(cause instanceof InventoryError ? cause : unreadable(manifest.fingerprint.path, cause));
      return undefined;
    }
  }

  async #toModel(root: string, manifest: WalkedFile): Promise<FoundModel> {
    const { layers, digest } = await readManifest(manifest);
    const files: FoundFile[] = [
      { path: 'manifest.json', absolutePath: manifest.fingerprint.path, fingerprint: manifest.fingerprint },
    ];
    const damages: string[] = [];
    for (const layer of layers) {
      const file = await findBlob(root, layer);
      if (typeof file === 'string') damages.push(file);
      else files.push(file);
    }
    files.sort((a, b) => (a.path < b.path ? -1 : 1));
    const name = nameOfManifest(manifest.path);
    const identity = {
      modelId: toModelId(name),
      name: name.slice(name.lastIndexOf('/') + 1),
      version: digest.slice(0, 12),
      source: 'ollama' as const,
      sourceRef: `${manifest.path.replace(/\/([^/]*)$/, ':$1')}`,
      place: root,
      metadata: { tag: name.slice(name.lastIndexOf(':') + 1) },
    };
    return await buildModel({ memory: this.#memory, identity, files, isFileSet: true, damages });
  }
}

/** `registry.ollama.ai/library/llama3/8b` → `library/llama3:8b`. Throws `bad_manifest` for another layout. */
function nameOfManifest(path: string): string {
  const parts = path.split('/');
  const [registry = '', ...names] = parts;
  const tag = names.pop();
  if (names.length < 1 || tag === undefined)
    throw new InventoryError('bad_manifest', `Reading an Ollama manifest: ${path} is not registry/namespace/name/tag`);
  return `${registry === HOME_REGISTRY ? '' : `${registry}/`}${names.join('/')}:${tag}`;
}

async function readManifest({ path, fingerprint }: WalkedFile): Promise<{ layers: OllamaLayer[]; digest: string }> {
  if (fingerprint.sizeBytes > INVENTORY_LIMITS.manifestBytes)
    throw new InventoryError('bad_manifest', `Reading an Ollama manifest: ${path} has ${fingerprint.sizeBytes} bytes`);
  const bytes = await readFile(fingerprint.path);
  return { layers: parseOllamaManifest(bytes), digest: createHash('sha256').update(bytes).digest('hex') };
}

/** The layer's blob, or why it cannot be used. */
async function findBlob(root: string, layer: OllamaLayer): Promise<FoundFile | string> {
  try {
    const absolutePath = join(root, 'blobs', `sha256-${layer.sha256}`);
    const fingerprint = await fingerprintFile(absolutePath);
    if (fingerprint === undefined) return `${layer.path} is no regular file`;
    if (fingerprint.sizeBytes !== layer.sizeBytes)
      return `${layer.path} has ${fingerprint.sizeBytes} bytes, wanted ${layer.sizeBytes}`;
    return { path: layer.path, absolutePath, fingerprint, claimedSha256: layer.sha256 };
  } catch (thrown) {
    if (systemCodeOf(thrown) === 'ENOENT') return `missing: ${layer.path}`;
    throw thrown;
  }
}
