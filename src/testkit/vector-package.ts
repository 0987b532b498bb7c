/**
 * The package of vectors/packages/archives.json: 12 MiB, three tiers, models that are what they say, agents, tools, knowledge, configuration,
 * signed by fixed test keys. Made from the spec's words (docs/spec/21-packages.md) and not by the code that makes packages, so that the two
 * can be held against each other. The same bytes on every machine.
 */
import { createHash, sign } from 'node:crypto';
import { pieceListOf } from '../content/index.ts';
import { MiB } from '../core/index.ts';
import {
  CUSTODY_START,
  type CustodyLine,
  custodyHash,
  formatCustodyLine,
  formatPackageManifest,
  PACKAGE_FILES,
  PACKAGE_SECTIONS,
  PACKAGE_TIERS,
  type PackageManifest,
  type PackageSection,
  type PackageSignatures,
  type PackageTier,
  packageDigest,
  packageSigningBytes,
  readableSize,
  SIGNING_CONTEXTS,
  sizeInMb,
} from '../protocol/index.ts';
import { type Identity, keyFromSeed, signObject } from '../trust/index.ts';
import { ggufHeader, llamaFields } from './gguf-builder.ts';
import { makeTestMesh } from './mesh-members.ts';
import { safetensorsHeader } from './model-files.ts';
import { onnxModelBytes } from './onnx-builder.ts';
import { SeededBytes } from './seeded-bytes.ts';

export const VECTOR_CREATED = '2026-02-02T12:00:00Z';
export const VECTOR_MS = Date.parse(VECTOR_CREATED);
export const VECTOR_MESH = makeTestMesh('vectors/packages', VECTOR_MS);
export const VECTOR_FOUNDER = keyFromSeed(createHash('sha256').update('vectors/packages/founder').digest());

const YEARS_MS = 20 * 365 * 86_400_000;
const MAKER = VECTOR_MESH.member('training-server-01', { role: 'publisher', nowMs: VECTOR_MS, lifeMs: YEARS_MS });

/** Files of a package by path, in the order of an archive. */
export type VectorFiles = ReadonlyMap<string, Buffer>;

export interface VectorMember {
  readonly section: PackageSection;
  readonly path: string;
  readonly content: Buffer;
  readonly tiers?: readonly PackageTier[];
  /** What its list says of it beside bytes. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Whoever signs, and what is said of it in the manifest. */
export interface VectorSigner {
  readonly key: Identity['nodeKey'];
  readonly says: PackageSignatures;
}

export interface VectorOptions {
  readonly version?: string;
  readonly members?: readonly VectorMember[];
  readonly signer?: VectorSigner;
  /** Before it is signed. */
  readonly change?: (manifest: PackageManifest) => PackageManifest;
}

export function vectorManifest(options: VectorOptions = {}): PackageManifest {
  const { version = '1.3', members = vectorMembers(version), signer = authoritySigner(), change } = options;
  const sizes = PACKAGE_TIERS.map((tier) => [tier, bytesOf(members, tier)] as const);
  const about = {
    ...{ id: 'production-inspection', version, created: VECTOR_CREATED, created_by: MAKER.certificate.name },
    ...{ description: 'Finds defects on a production line', tiers: [...PACKAGE_TIERS] },
    size_by_tier: Object.fromEntries(sizes.map(([tier, size]) => [tier, readableSize(size)])),
    bytes_by_tier: Object.fromEntries(sizes),
  };
  const lists = PACKAGE_SECTIONS.map((section) => [
    section,
    members.filter((member) => member.section === section).map(toItem),
  ]);
  const made = { package: about, contents: Object.fromEntries(lists) } as PackageManifest;
  return signManifest(change === undefined ? made : change(made), signer);
}

export function signManifest(
  { signatures: _, ...manifest }: PackageManifest,
  { key, says }: VectorSigner,
): PackageManifest {
  const bytes = packageSigningBytes(manifest);
  return { ...manifest, signatures: { ...says, mesh_signature: signatureText(bytes, key) } };
}

export function authoritySigner(): VectorSigner {
  const { id, privateKey } = VECTOR_MESH.authority;
  return { key: privateKey, says: { mesh_signer: id, mesh_id: id } };
}

/** A node with its certificate. */
export function nodeSigner({ nodeKey, nodeId, meshId, certificate }: Identity): VectorSigner {
  return { key: nodeKey, says: { mesh_signer: nodeId, mesh_id: meshId, mesh_certificate: certificate } };
}

export function signatureText(bytes: Uint8Array, key: Identity['nodeKey']): string {
  return `ed25519:${sign(null, bytes, key).toString('base64')}`;
}

/** All that is in an archive of the package. */
export function vectorPackage(options: VectorOptions = {}): VectorFiles {
  const { version = '1.3', members = vectorMembers(version) } = options;
  const manifest = vectorManifest({ ...options, members });
  return vectorFiles(manifest, new Map(members.map(({ path, content }) => [path, content])));
}

/** Checksums and custody of what is given. */
export function vectorFiles(manifest: PackageManifest, members: VectorFiles): VectorFiles {
  const files = new Map([[PACKAGE_FILES.manifest, Buffer.from(formatPackageManifest(manifest))], ...members]);
  files.set(PACKAGE_FILES.checksums, checksumsOf(files));
  files.set(PACKAGE_FILES.custody, Buffer.from(custodyOf(manifest)));
  return files;
}

export function checksumsOf(files: VectorFiles): Buffer {
  const left: readonly string[] = [PACKAGE_FILES.checksums, PACKAGE_FILES.custody];
  const lines = [...files]
    .filter(([path]) => !left.includes(path))
    .map(([path, bytes]) => `${digestsOf(bytes).hash.slice('sha256:'.length)}  ${path}\n`);
  return Buffer.from(lines.join(''));
}

/** Made by one node, and handed to a stick by it. */
export function custodyOf(manifest: PackageManifest, by: Identity = MAKER): string {
  const created = custodyLine(manifest, by, { seq: 1, action: 'created', previous: CUSTODY_START });
  const previous = custodyHash(created.trimEnd());
  return created + custodyLine(manifest, by, { seq: 2, action: 'exported', previous, to: 'a stick' });
}

/** One line, signed, with its line feed. */
export function custodyLine(
  manifest: PackageManifest,
  by: Identity,
  words: Pick<CustodyLine, 'seq' | 'action' | 'previous' | 'to'>,
): string {
  const { id, version } = manifest.package;
  const line = {
    ...{ type: 'custody' as const, ...words, at: VECTOR_CREATED, certificate: by.certificate },
    by: { node_id: by.nodeId, name: by.certificate.name },
    package: { id, version, manifest_sha256: packageDigest(manifest) },
  };
  const signer = { id: by.nodeId, privateKey: by.nodeKey };
  return formatCustodyLine(signObject(SIGNING_CONTEXTS.custody, line, signer, VECTOR_MS) as CustodyLine);
}

/** Version 1.3 has another detector, agent and knowledge than 1.2; the larger models are the same size with other weights. */
export function vectorMembers(version = '1.3'): readonly VectorMember[] {
  const members = MADE.get(version) ?? makeMembers(version);
  MADE.set(version, members);
  return members;
}

/** Made once: tests ask a hundred times. Nobody changes them. */
const MADE = new Map<string, readonly VectorMember[]>();

function makeMembers(version: string): VectorMember[] {
  const text = (section: PackageSection, path: string, content: string, facts = {}): VectorMember => ({
    ...{ section, path, content: Buffer.from(content), facts },
  });
  const model = (
    path: string,
    id: string,
    tiers: readonly PackageTier[],
    content: Buffer,
    entry: object,
  ): VectorMember => ({
    ...{ section: 'models', path, content, tiers },
    facts: { id: `acme/${id}`, version, size_mb: sizeInMb(content.length), entry },
  });
  const agent = version === '1.3' ? '1.2' : '1.1';
  return [
    text('config', 'config/mission.yaml', `mission: production-inspection\nversion: "${version}"\nline: 7\n`),
    text('config', 'config/llamafarm.yaml', 'name: inspection\nnamespace: acme\nruntime:\n  model: llama-inspection\n'),
    model(
      `models/tinyyolo-defects-${version}.onnx`,
      'tinyyolo-defects',
      ['tier_1', 'tier_2', 'tier_3'],
      detector(version),
      {
        ...{ type: 'vision', format: 'onnx', classes: ['scratch', 'dent'] },
      },
    ),
    model(`models/bearing-embed-${version}.safetensors`, 'bearing-embed', ['tier_2', 'tier_3'], embedder(version), {
      ...{ type: 'embedding', format: 'safetensors' },
    }),
    model(`models/llama-inspection-${version}.gguf`, 'llama-inspection', ['tier_3'], llama(version), {
      ...{ type: 'llm', format: 'gguf', quantization: 'F16', context_length: 8192 },
    }),
    text('agents', `agents/vision_agent-${agent}.yaml`, `agent: vision_agent\nuses: tinyyolo-defects@${version}\n`, {
      ...{ id: 'vision_agent', version: agent },
    }),
    text('agents', 'agents/anomaly_agent-1.0.yaml', 'agent: anomaly_agent\nuses: bearing-embed\n', {
      ...{ id: 'anomaly_agent', version: '1.0' },
    }),
    text('tools', 'tools/core_tools.yaml', 'tools: [camera, stop_line]\n', { id: 'core_tools', version: '1.0' }),
    text('knowledge', 'knowledge/defect-catalog.chunks.jsonl', chunks(version), {
      domain: 'defect-catalog',
      chunks: 300,
    }),
  ];
}

function detector(version: string): Buffer {
  return onnxModelBytes({ version });
}

function embedder(version: string): Buffer {
  const sizeBytes = 3 * MiB;
  const header = safetensorsHeader('embeddings.weight', sizeBytes);
  return Buffer.concat([header, new SeededBytes(`embed/${version}`, 64 * 1024).next(sizeBytes - header.length)]);
}

function llama(version: string): Buffer {
  const [rows, columns] = [1_148, 4_096];
  const header = ggufHeader(llamaFields('Inspection', 1), [
    { name: 'output.weight', dimensions: [columns, rows], type: 1, offset: 0 },
  ]);
  return Buffer.concat([header, new SeededBytes(`llama/${version}`, 64 * 1024).next(rows * columns * 2)]);
}

function chunks(version: string): string {
  return Array.from({ length: 300 }, (_, index) => {
    const words = index % 10 === 0 ? `, as seen with ${version}` : '';
    return `${JSON.stringify({ id: `defect-${index}`, text: `Defect ${index} is a mark on the surface${words}.` })}\n`;
  }).join('');
}

function bytesOf(members: readonly VectorMember[], tier: PackageTier): number {
  return members
    .filter(({ tiers }) => tiers?.includes(tier) ?? true)
    .reduce((sum, { content }) => sum + content.length, 0);
}

function toItem({ path, content, tiers, facts }: VectorMember) {
  return {
    ...{ path, ...facts, size_bytes: content.length, ...(tiers === undefined ? {} : { tiers: [...tiers] }) },
    ...digestsOf(content),
  };
}

const DIGESTS = new WeakMap<Buffer, { readonly hash: string; readonly piece_root: string }>();

function digestsOf(content: Buffer) {
  const digests = DIGESTS.get(content) ?? { hash: `sha256:${sha256(content)}`, piece_root: pieceRootOf(content) };
  DIGESTS.set(content, digests);
  return digests;
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function pieceRootOf(bytes: Buffer): string {
  return pieceListOf(bytes).root;
}
