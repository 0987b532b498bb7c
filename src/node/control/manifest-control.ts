/** Manifests: show, describe, publish, withdraw; and the manifest that an import brings. */
import type { ControlHandlers, ManifestAnswer } from '../../api/index.ts';
import { CONTRACT_VERSION } from '../../api/index.ts';
import { isNodeId, messageOf } from '../../core/index.ts';
import {
  estimateVramMb,
  isCalled,
  type ModelManifest,
  manifestFileName,
  newestInRange,
  parseManifest,
  parseManifestDocument,
  shortManifest,
  toCatalogType,
} from '../../protocol/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import { NodeError } from '../errors.ts';
import { mismatchOf } from '../manifests/owner-words.ts';
import { mergeModels, resolveModel } from '../model-view.ts';
import { nameOf } from './known-names.ts';
import type { NodeParts } from './parts.ts';

type ManifestControl = Pick<ControlHandlers, 'modelManifest' | 'modelDescribe' | 'modelPublish'>;

interface Wanted {
  readonly id: string;
  readonly range?: string | undefined;
}

export function manifestControl(parts: NodeParts): ManifestControl {
  const { manifests } = parts;
  return {
    async modelManifest({ query }) {
      return toAnswer(parts, find(parts, query));
    },
    async modelDescribe({ body }) {
      const { local, manifest } = find(parts, body);
      if (local === undefined)
        throw new NodeError('model_not_local', `Describing ${body.id}: only other nodes have the model`);
      const facts = body.partial ? factsOf(manifest) : {};
      manifests.describe(local, parseManifestDocument(body.manifest, facts).manifest, body.partial);
      return toAnswer(parts, find(parts, body));
    },
    async modelPublish({ body }) {
      const { manifest } = find(parts, body);
      if (body.withdrawn) manifests.withdraw(manifest);
      else manifests.publish(manifest);
      return toAnswer(parts, find(parts, body));
    },
  };
}

/** What every manifest has to say, and a part of one need not. */
function factsOf({ model_id, name, version, model_type, format, size_bytes, sha256 }: ModelManifest) {
  return { model_id, name, version, model_type, format, size_bytes, sha256 };
}

interface Found {
  readonly manifest: ModelManifest;
  readonly local: LocalModel | undefined;
}

/** A model here or in the mesh; else one of which only a manifest is known. Throws NodeError `model_not_found`, `model_not_ready`. */
function find(parts: NodeParts, { id, range }: Wanted): Found {
  const { library, catalog, manifests } = parts;
  const models = mergeModels(library.list(), catalog.getAllModels());
  const isListed = models.some(({ modelId }) => isCalled(modelId, id));
  const manifest = isListed || id.startsWith('sha256:') ? undefined : newestKnown(parts, id, range);
  if (manifest !== undefined) return { manifest, local: undefined };
  const { modelId, version, sha256, local, entry } = resolveModel(models, id, range);
  const known = local === undefined ? undefined : manifests.manifestHere(local);
  const found = known ?? manifests.lookUp(modelId, version, sha256);
  if (found !== undefined) return { manifest: found, local };
  if (entry === undefined || local !== undefined)
    throw new NodeError('model_not_ready', `Describing ${modelId}: it is ${local?.state}, wanted ready`);
  throw new NodeError('manifest_not_found', `Looking for the manifest of ${modelId}@${version}: nobody published one`);
}

function newestKnown({ manifests }: NodeParts, id: string, range = 'latest'): ModelManifest | undefined {
  const versions = manifests.all().filter(({ model_id }) => model_id === id);
  const version = newestInRange([...new Set(versions.map((one) => one.version))], range);
  return version === undefined ? undefined : manifests.lookUp(id, version);
}

function toAnswer(parts: NodeParts, { manifest, local }: Found): ManifestAnswer {
  const { manifests } = parts;
  return {
    contract: CONTRACT_VERSION,
    model_id: manifest.model_id,
    version: manifest.version,
    sha256: manifest.sha256,
    manifest: shortManifest(manifest),
    signer: signerOf(parts, manifest),
    withdrawn: manifest.withdrawn,
    local: local !== undefined,
    may_write: manifests.mayWrite(manifest.model_id),
    own_words: local === undefined ? [] : [...manifests.ownWords(local)],
    estimated_vram_mb: estimateVramMb(manifest),
    file_name: manifest.file ?? manifestFileName(manifest),
    ...lineageAnswer(parts, manifest),
  };
}

function signerOf(parts: NodeParts, { signature }: ModelManifest): ManifestAnswer['signer'] {
  const id = signature?.signer;
  if (id === undefined || !isNodeId(id)) return null;
  return { node_id: id, name: nameOf(parts, id) };
}

function lineageAnswer({ manifests }: NodeParts, manifest: ModelManifest) {
  try {
    const lineage = manifests.lineageOf(manifest);
    return { lineage: lineage.map((one) => ({ ref: one.ref, known: one.manifest !== undefined })) };
  } catch (thrown) {
    return { lineage: [], lineage_problem: messageOf(thrown) };
  }
}

interface ImportWords {
  readonly name?: string | undefined;
  readonly version?: string | undefined;
  readonly type?: string | undefined;
  readonly capabilities?: readonly string[] | undefined;
}

/** The manifest that an import brings, in any vocabulary. What the import itself says goes before it. */
export function importManifest({ name, version, type, capabilities }: ImportWords, document: object): ModelManifest {
  const { manifest } = parseManifestDocument(document);
  const said = { model_id: name, version, model_type: type, capabilities };
  const given = Object.entries(said).filter(([, value]) => value !== undefined);
  return given.length === 0 ? manifest : parseManifest({ ...manifest, ...Object.fromEntries(given) });
}

/** The import as its manifest would have it. */
export function withManifest<Body extends ImportWords>(body: Body, manifest: ModelManifest): Body {
  const { model_id: name, version, model_type, capabilities, features } = manifest;
  return {
    ...body,
    name,
    version,
    type: toCatalogType(model_type),
    capabilities: [...new Set([...capabilities, ...features])],
  };
}

export interface DescribedImport {
  readonly models: readonly LocalModel[];
  /** What was on this machine before it, by `contentOf`. */
  readonly before: ReadonlySet<string>;
  readonly manifest: ModelManifest;
}

/**
 * What was imported, described as its manifest says. One that speaks of other bytes undoes the import, and nothing that was there
 * before. Throws NodeError `manifest_mismatch`, `not_permitted`, ProtocolError.
 */
export async function describeImport(parts: NodeParts, { models, before, manifest }: DescribedImport): Promise<void> {
  const model = models.find(({ version }) => version === manifest.version);
  const actual = model === undefined ? undefined : parts.manifests.manifestHere(model);
  if (model === undefined || actual === undefined) return;
  try {
    const fault = mismatchOf(actual, manifest);
    if (fault !== undefined)
      throw new NodeError('manifest_mismatch', `Importing ${model.modelId} by its manifest: ${fault}`);
    parts.manifests.describe(model, manifest, true);
  } catch (thrown) {
    if (!before.has(contentOf(model))) {
      await parts.intake.remove(model);
      await parts.library.remove(model);
    }
    throw thrown;
  }
}

/** One content under a name. */
export function contentOf({ modelId, version, sha256 }: LocalModel): string {
  return `${modelId}\n${version}\n${sha256}`;
}
