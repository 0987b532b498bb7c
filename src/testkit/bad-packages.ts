/**
 * The vector package, spoilt in one way each: what is wrong with a package beyond its archive (which is the business of bad-archives.ts),
 * and by which word it is refused. Spec: docs/spec/21-packages.md §4–§11.
 */
import type { AtmoErrorCode } from '../atmo/index.ts';
import {
  CUSTODY_START,
  custodyHash,
  formatDeltaManifest,
  PACKAGE_FILES,
  type PackageManifest,
  packageDigest,
  packageSigningBytes,
} from '../protocol/index.ts';
import type { Identity } from '../trust/index.ts';
import { makeTestMesh } from './mesh-members.ts';
import { rawArchive } from './raw-archive.ts';
import {
  checksumsOf,
  custodyLine,
  nodeSigner,
  signatureText,
  VECTOR_FOUNDER,
  VECTOR_MESH,
  VECTOR_MS,
  type VectorFiles,
  type VectorSigner,
  vectorFiles,
  vectorManifest,
  vectorPackage,
} from './vector-package.ts';

export interface BadPackage {
  /** As a file name. */
  readonly name: string;
  readonly about: string;
  /** The first thing that is wrong with it. */
  readonly code: AtmoErrorCode;
  readonly build: () => Buffer;
}

const DAY_MS = 86_400_000;
/** When the packages are looked at. */
export const VECTOR_NOW_MS = VECTOR_MS + DAY_MS;
/** Put out of the mesh. */
export const REVOKED = VECTOR_MESH.member('lost-laptop', { role: 'publisher', nowMs: VECTOR_MS });

const OTHER_MESH = makeTestMesh('vectors/another mesh', VECTOR_MS);
const GGUF = 'models/llama-inspection-1.3.gguf';
const SAFETENSORS = 'models/bearing-embed-1.3.safetensors';
const AGENT = 'agents/anomaly_agent-1.0.yaml';

/** As anybody's zip program would write it. */
export function vectorArchive(files: VectorFiles): Buffer {
  return rawArchive({ members: [...files].map(([path, content]) => ({ path, content })) });
}

/** The good one is made once for all of them, and never changed. */
export function badPackages(good: VectorFiles = vectorPackage()): BadPackage[] {
  return [...OF_FILES, ...OF_MANIFESTS, ...OF_SIGNERS, ...OF_CUSTODY, ...OF_DIFFERENCES].map(({ spoil, ...row }) => ({
    ...row,
    build() {
      const spoilt = spoil(good);
      return Buffer.isBuffer(spoilt) ? spoilt : vectorArchive(spoilt);
    },
  }));
}

type Spoil = (files: VectorFiles) => VectorFiles | Buffer;
type Row = Omit<BadPackage, 'build'> & { readonly spoil: Spoil };

function row(name: string, code: AtmoErrorCode, about: string, spoil: Spoil): Row {
  return { name, about, code, spoil };
}

/** Another content of one file; undefined takes it out. */
function withFile(files: VectorFiles, path: string, content: Buffer | undefined): Map<string, Buffer> {
  const changed = new Map(files);
  if (content === undefined) changed.delete(path);
  else changed.set(path, content);
  return changed;
}

function resummed(files: Map<string, Buffer>): VectorFiles {
  return files.set(PACKAGE_FILES.checksums, checksumsOf(files));
}

function withText(files: VectorFiles, path: string, change: (text: string) => string): Map<string, Buffer> {
  return withFile(files, path, Buffer.from(change(files.get(path)?.toString() ?? '')));
}

function membersOf(files: VectorFiles): VectorFiles {
  const papers: readonly string[] = Object.values(PACKAGE_FILES);
  return new Map([...files].filter(([path]) => !papers.includes(path)));
}

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}

const OF_FILES: readonly Row[] = [
  row('flipped-weight', 'digest_mismatch', 'one bit of nine million bytes of weights is another', (files) => {
    const archive = vectorArchive(files);
    return flipped(archive, archive.indexOf('GGUF') + 5_000_000);
  }),
  row('mixed-versions', 'digest_mismatch', 'weights of another signed version, of the same size', (files) => {
    const other = vectorPackage({ version: '1.2' }).get('models/llama-inspection-1.2.gguf');
    return withFile(files, GGUF, other);
  }),
  row('mixed-tiers', 'member_strange', 'tier 1 and 2 of this package, tier 3 of another one', (files) => {
    const path = 'models/llama-inspection-1.2.gguf';
    const other = vectorPackage({ version: '1.2' }).get(path) as Buffer;
    return resummed(withFile(withFile(files, GGUF, undefined), path, other));
  }),
  row('stranger', 'member_strange', 'a file that the manifest does not name', (files) =>
    resummed(withFile(files, 'models/extra.bin', Buffer.from('nobody signed this'))),
  ),
  row('stranger-in-the-root', 'member_strange', 'a script beside the manifest', (files) =>
    resummed(withFile(files, 'install.sh', Buffer.from('#!/bin/sh\n'))),
  ),
  row('short-member', 'size_wrong', 'a file with a byte less than the manifest says', (files) =>
    resummed(withFile(files, SAFETENSORS, files.get(SAFETENSORS)?.subarray(0, -1))),
  ),
  row('missing-member', 'member_missing', 'a file that the checksums list is not there', (files) =>
    withFile(files, AGENT, undefined),
  ),
  row('missing-everywhere', 'tier_incomplete', 'a file that all tiers need is in no list of this archive', (files) =>
    resummed(withFile(files, AGENT, undefined)),
  ),
  row('half-a-tier', 'tier_incomplete', 'tier 3 without one of its two models, beside a whole tier 1', (files) =>
    resummed(withFile(files, SAFETENSORS, undefined)),
  ),
  row('wrong-checksums', 'checksums_wrong', 'checksums of other bytes than the signed ones', (files) =>
    withText(files, PACKAGE_FILES.checksums, (text) => text.replace(/^[0-9a-f]{8}/m, '00000000')),
  ),
  row('short-checksums', 'checksums_wrong', 'a file that the checksums do not list', (files) =>
    withText(files, PACKAGE_FILES.checksums, (text) => text.split('\n').slice(1).join('\n')),
  ),
  row('no-checksums', 'checksums_wrong', 'no checksums at all', (files) =>
    withFile(files, PACKAGE_FILES.checksums, undefined),
  ),
  row('checksums-outside', 'member_missing', 'checksums of a file outside of the package', (files) =>
    withText(files, PACKAGE_FILES.checksums, (text) => `${text}${'a'.repeat(64)}  ../../etc/passwd\n`),
  ),
];

/** The manifest as text, as anybody may write it. */
function manifestText(text: string): Spoil {
  return (files) => resummed(withFile(files, PACKAGE_FILES.manifest, Buffer.from(text)));
}

/** Whatever the mesh’s own key signs must still be a manifest. */
function signedManifest(change: (manifest: PackageManifest) => PackageManifest): Spoil {
  return (files) => vectorFiles(vectorManifest({ change }), membersOf(files));
}

function renamed(from: string, to: string): Spoil {
  const rename = (text: string) => text.replaceAll(from, to);
  return signedManifest((manifest) => JSON.parse(rename(JSON.stringify(manifest))) as PackageManifest);
}

const OF_MANIFESTS: readonly Row[] = [
  row('flipped-manifest', 'package_signature_wrong', 'one letter of the manifest is another', (files) =>
    withText(files, PACKAGE_FILES.manifest, (text) => text.replace('Finds defects', 'Finds defectS')),
  ),
  row('no-manifest', 'not_a_package', 'an archive without a manifest', (files) =>
    withFile(files, PACKAGE_FILES.manifest, undefined),
  ),
  row('yaml-aliases', 'manifest_bad', 'aliases of aliases: a billion of them in a kilobyte', manifestText(laughs())),
  row('yaml-depth', 'manifest_bad', 'lists in lists without end', manifestText(`contents: ${'['.repeat(100_000)}`)),
  row(
    'yaml-marks',
    'manifest_bad',
    'half a million of nothing, for which YAML’s reader takes minutes',
    manifestText(`a:\n${'- a\n'.repeat(500_000)}`),
  ),
  row('yaml-tag', 'manifest_bad', 'an object that some readers would run', manifestText('a: !!js/function "x"\n')),
  row('yaml-two-documents', 'manifest_bad', 'two manifests in one, the first of them good', (files) =>
    withText(files, PACKAGE_FILES.manifest, (text) => `${text}---\npackage: {id: other}\n`),
  ),
  row('yaml-key-twice', 'manifest_bad', 'two versions in one', (files) =>
    withText(files, PACKAGE_FILES.manifest, (text) =>
      text.replace('  version: "1.3"\n', '  version: "1.3"\n  version: "1.4"\n'),
    ),
  ),
  row('manifest-of-bytes', 'manifest_bad', 'bytes that are no text', (files) =>
    resummed(withFile(files, PACKAGE_FILES.manifest, Buffer.alloc(4_096, 0xff))),
  ),
  row(
    'signed-outside-path',
    'manifest_bad',
    'a signed path that leaves the folder',
    renamed(AGENT, 'agents/../../../agent.yaml'),
  ),
  row(
    'signed-absolute-path',
    'manifest_bad',
    'a signed path that begins at the root',
    renamed(AGENT, '/agents/agent.yaml'),
  ),
  row(
    'signed-windows-path',
    'manifest_bad',
    'a signed path of Windows',
    renamed(AGENT, 'agents\\\\..\\\\..\\\\agent.yaml'),
  ),
  row(
    'signed-other-section',
    'manifest_bad',
    'a signed agent that would lie among the configuration',
    renamed(AGENT, 'config/agent.yaml'),
  ),
  row(
    'signed-case-collision',
    'manifest_bad',
    'two signed paths that are one where case is not told apart',
    renamed(AGENT, 'agents/VISION_agent-1.2.yaml'),
  ),
  row(
    'signed-outside-id',
    'manifest_bad',
    'a signed id that is a path',
    renamed('"production-inspection"', '"../../production"'),
  ),
  row(
    'signed-taken-version',
    'manifest_bad',
    'a signed version that is the link of the one in force',
    signedManifest((manifest) => ({ ...manifest, package: { ...manifest.package, version: 'current' } })),
  ),
  row(
    'lying-size',
    'size_wrong',
    'a signed size that is not that of the file',
    signedManifest((manifest) => longer(manifest)),
  ),
  row(
    'lying-sum',
    'manifest_bad',
    'a signed size of a tier that is not the sum of its files',
    signedManifest(({ package: about, ...rest }) => ({
      ...rest,
      package: { ...about, bytes_by_tier: { ...about.bytes_by_tier, tier_1: 7 } },
    })),
  ),
  row(
    'many-members',
    'manifest_bad',
    'more files than a package may have',
    signedManifest((manifest) => crowded(manifest)),
  ),
];

function laughs(): string {
  const lines = Array.from({ length: 9 }, (_, index) => {
    const name = String.fromCharCode(98 + index);
    const before = String.fromCharCode(97 + index);
    return `${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(', ')}]`;
  });
  return `a: &a [lol]\n${lines.join('\n')}\n`;
}

/** A tool one byte longer, in its own size and those of the tiers. */
function longer(manifest: PackageManifest): PackageManifest {
  const tools = manifest.contents.tools?.map((tool) => ({ ...tool, size_bytes: tool.size_bytes + 1 }));
  const sizes = Object.entries(manifest.package.bytes_by_tier).map(([tier, bytes]) => [tier, (bytes ?? 0) + 1]);
  const about = { ...manifest.package, bytes_by_tier: Object.fromEntries(sizes) };
  return { ...manifest, package: about, contents: { ...manifest.contents, tools } } as PackageManifest;
}

const TOO_MANY = 4_001;

function crowded(manifest: PackageManifest): PackageManifest {
  const [first] = manifest.contents.config ?? [];
  const config = Array.from({ length: TOO_MANY }, (_, index) => ({ ...first, path: `config/${index}` }));
  return { ...manifest, contents: { config } } as PackageManifest;
}

function signedBy(signer: () => VectorSigner): Spoil {
  return (files) => vectorFiles(vectorManifest({ signer: signer() }), membersOf(files));
}

function signedByNode(identity: () => Identity, says: Partial<VectorSigner['says']> = {}): Spoil {
  return signedBy(() => {
    const { key, says: said } = nodeSigner(identity());
    return { key, says: { ...said, ...says } };
  });
}

const PUBLISHER = VECTOR_MESH.member('publisher', { role: 'publisher', nowMs: VECTOR_MS });
const EDGE = VECTOR_MESH.member('edge-7', { role: 'edge', nowMs: VECTOR_MS });
const STRANGER = OTHER_MESH.member('stranger', { role: 'publisher', nowMs: VECTOR_MS });

/** The good manifest, other words about who signed it. */
function resigned(change: (signatures: NonNullable<PackageManifest['signatures']>) => object): Spoil {
  return (files) => {
    const manifest = vectorManifest();
    const signatures = change(manifest.signatures ?? {}) as PackageManifest['signatures'];
    return vectorFiles({ ...manifest, signatures }, membersOf(files));
  };
}

const OF_SIGNERS: readonly Row[] = [
  row(
    'unsigned',
    'package_unsigned',
    'nobody signed it',
    resigned(() => ({})),
  ),
  row(
    'swapped-signature',
    'package_signature_wrong',
    'the signature of the version before',
    resigned(() => vectorManifest({ version: '1.2' }).signatures ?? {}),
  ),
  row(
    'swapped-roles',
    'package_signature_wrong',
    'the founder’s signature in the place of the mesh’s',
    resigned((signatures) => ({
      ...signatures,
      mesh_signature: signatureText(packageSigningBytes(vectorManifest()), VECTOR_FOUNDER),
    })),
  ),
  row(
    'signature-of-another-purpose',
    'package_signature_wrong',
    'the mesh signed these bytes, but not as a package',
    resigned((signatures) => ({
      ...signatures,
      mesh_signature: signatureText(
        packageSigningBytes(vectorManifest()).subarray(1),
        VECTOR_MESH.authority.privateKey,
      ),
    })),
  ),
  row(
    'unknown-mesh',
    'mesh_unknown',
    'signed by the authority of a mesh that nobody trusts here',
    signedBy(() => {
      const { id, privateKey } = OTHER_MESH.authority;
      return { key: privateKey, says: { mesh_signer: id, mesh_id: id } };
    }),
  ),
  row(
    'authority-of-another-mesh',
    'certificate_of_other_mesh',
    'said to be of this mesh, signed by another one’s authority',
    signedBy(() => ({
      key: OTHER_MESH.authority.privateKey,
      says: { mesh_signer: OTHER_MESH.authority.id, mesh_id: VECTOR_MESH.authority.id },
    })),
  ),
  row(
    'node-of-another-mesh',
    'certificate_of_other_mesh',
    'said to be of this mesh, signed by a node of another one',
    signedByNode(() => STRANGER, { mesh_id: VECTOR_MESH.authority.id }),
  ),
  row(
    'no-certificate',
    'certificate_wrong',
    'a node signed, and does not show that it is one of the mesh',
    signedBy(() => {
      const {
        key,
        says: { mesh_certificate: _, ...says },
      } = nodeSigner(PUBLISHER);
      return { key, says };
    }),
  ),
  row(
    'certificate-of-another-node',
    'certificate_wrong',
    'the certificate of a colleague',
    signedByNode(() => EDGE, { mesh_certificate: PUBLISHER.certificate }),
  ),
  row(
    'forged-certificate',
    'certificate_wrong',
    'an edge that wrote publisher into its certificate',
    signedByNode(() => EDGE, { mesh_certificate: { ...EDGE.certificate, role: 'publisher' } }),
  ),
  row(
    'role-that-may-not',
    'role_may_not_sign',
    'an edge may not sign packages',
    signedByNode(() => EDGE),
  ),
  row(
    'expired-certificate',
    'signer_expired',
    'the certificate ended an hour before',
    signedByNode(() => VECTOR_MESH.member('old', { role: 'publisher', nowMs: VECTOR_MS, lifeMs: DAY_MS - 3_600_000 })),
  ),
  row(
    'certificate-of-tomorrow',
    'signer_not_yet_valid',
    'the certificate begins in a day',
    signedByNode(() => VECTOR_MESH.member('early', { role: 'publisher', nowMs: VECTOR_NOW_MS + DAY_MS })),
  ),
  row(
    'revoked-key',
    'signer_revoked',
    'the mesh put the signer out',
    signedByNode(() => REVOKED),
  ),
  row(
    'founder-that-did-not',
    'founder_wrong',
    'a founder’s signature of other bytes',
    resigned((signatures) => ({
      ...signatures,
      founder_signature: signatureText(Buffer.from('other bytes'), VECTOR_FOUNDER),
      founder_key: founderKey(),
    })),
  ),
];

function founderKey(): string {
  const { x = '' } = VECTOR_FOUNDER.export({ format: 'jwk' });
  return `ed25519:${Buffer.from(x, 'base64url').toString('base64')}`;
}

function custody(change: (lines: string[], manifest: PackageManifest) => readonly string[]): Spoil {
  return (files) => {
    const lines = (files.get(PACKAGE_FILES.custody)?.toString() ?? '').trimEnd().split('\n');
    return withFile(
      files,
      PACKAGE_FILES.custody,
      Buffer.from(
        change(lines, vectorManifest())
          .map((line) => `${line}\n`)
          .join(''),
      ),
    );
  };
}

const OF_CUSTODY: readonly Row[] = [
  row('no-custody', 'custody_broken', 'nobody had it', (files) => withFile(files, PACKAGE_FILES.custody, undefined)),
  row(
    'custody-without-its-maker',
    'custody_broken',
    'the first line is cut off',
    custody((lines) => lines.slice(1)),
  ),
  row(
    'custody-rewritten',
    'custody_broken',
    'another name in a signed line',
    custody((lines) => lines.map((line) => line.replace('a stick', 'a stiCk'))),
  ),
  row(
    'custody-in-another-order',
    'custody_broken',
    'the lines are turned round',
    custody((lines) => lines.toReversed()),
  ),
  row('custody-of-another-package', 'custody_broken', 'the chain of the version before', (files) =>
    withFile(files, PACKAGE_FILES.custody, vectorPackage({ version: '1.2' }).get(PACKAGE_FILES.custody)),
  ),
  row(
    'custody-by-another',
    'custody_broken',
    'a line that is signed by somebody else than it says',
    custody(([first = ''], manifest) => {
      const words = { seq: 2, action: 'exported', previous: custodyHash(first) } as const;
      const line = custodyLine(manifest, { ...PUBLISHER, nodeKey: EDGE.nodeKey }, words);
      return [first, line.trimEnd()];
    }),
  ),
  row(
    'custody-made-twice',
    'custody_broken',
    'a second line that says created',
    custody(([first = ''], manifest) => {
      const words = { seq: 2, action: 'created', previous: custodyHash(first) } as const;
      return [first, custodyLine(manifest, PUBLISHER, words).trimEnd()];
    }),
  ),
  row(
    'custody-of-no-start',
    'custody_broken',
    'a first line that goes on',
    custody((_, manifest) => [
      custodyLine(manifest, PUBLISHER, { seq: 1, action: 'exported', previous: CUSTODY_START }).trimEnd(),
    ]),
  ),
];

const STEP = {
  ...{ base_hash: `sha256:${'1'.repeat(64)}`, target_hash: `sha256:${'2'.repeat(64)}` },
  ...{ delta_path: 'models/llama.delta', delta_size_bytes: 4, delta_hash: `sha256:${'3'.repeat(64)}` },
};

type Delta = Parameters<typeof formatDeltaManifest>[0];

function withDelta(members: readonly object[], target: { readonly version?: string } = {}): Spoil {
  return (files) => {
    const manifest = vectorManifest(target);
    const delta = {
      ...{ base_version: '1.2', target_version: manifest.package.version },
      ...{ target_manifest: `sha256:${packageDigest(manifest)}`, changes: {} },
    };
    const text = formatDeltaManifest({ delta, members } as unknown as Delta);
    return resummed(withFile(withFile(files, GGUF, undefined), PACKAGE_FILES.delta, Buffer.from(text)));
  };
}

const OF_DIFFERENCES: readonly Row[] = [
  row(
    'difference-for-another',
    'delta_bad',
    'a difference to another version than the signed one',
    withDelta([], { version: '1.2' }),
  ),
  row(
    'difference-to-elsewhere',
    'delta_bad',
    'a difference that does not end at the signed content',
    withDelta([{ path: GGUF, how: 'difference', differences: [STEP] }]),
  ),
  row(
    'difference-over-the-manifest',
    'delta_bad',
    'a difference in the place of the manifest',
    withDelta([{ path: GGUF, how: 'difference', differences: [{ ...STEP, delta_path: 'manifest.yaml' }] }]),
  ),
  row(
    'difference-of-nothing',
    'delta_bad',
    'a difference for a file that the package does not have',
    withDelta([{ path: 'models/other.gguf', how: 'held' }]),
  ),
  row(
    'difference-outside',
    'delta_bad',
    'a difference that lies outside of the package',
    withDelta([{ path: GGUF, how: 'difference', differences: [{ ...STEP, delta_path: '../llama.delta' }] }]),
  ),
];

/** What the node of the vectors trusts. */
export const VECTOR_TRUST = {
  ownMesh: VECTOR_MESH.authority.id,
  trustedMeshes: [],
  isRevoked: (nodeId: string) => nodeId === REVOKED.nodeId,
  founders: [],
  nowMs: VECTOR_NOW_MS,
  rolesThatMayWrite: ['admin', 'publisher'],
};
