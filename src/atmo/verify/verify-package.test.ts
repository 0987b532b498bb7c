import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB } from '../../core/index.ts';
import {
  type DeltaManifest,
  formatDeltaManifest,
  formatPackageManifest,
  type PackageManifest,
  packageDigest,
} from '../../protocol/index.ts';
import { factsOfBytes, samplePackage } from '../../testkit/package-manifests.ts';
import {
  checksumsOf,
  type PackedOptions,
  type PackedPackage,
  packPackage,
  writeFiles,
} from '../../testkit/packages.ts';
import type { PackageSource } from '../ports.ts';
import { openPackageSource } from '../source/open-package-source.ts';
import { assertGood, type PackageReport } from './report.ts';
import { verifyPackage } from './verify-package.ts';

const LARGE = ['models/inspector-1.0/config.json', 'models/inspector-1.0/weights/model.safetensors'];
const TINY = 'models/tiny-defects-1.3.onnx';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'verify-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

interface Verified {
  readonly quick: PackageReport;
  readonly full: PackageReport;
}

/** `change` is made to the files just before they are written. */
async function verify(
  options: PackedOptions = {},
  change: (files: Record<string, Buffer>, packed: PackedPackage) => void = () => undefined,
): Promise<Verified> {
  const packed = packPackage(options);
  change(packed.files, packed);
  await using source = await openPackageSource(await writeFiles(folder, packed.files));
  const { trust } = packed;
  return { quick: await verifyPackage(source, { trust, quick: true }), full: await verifyPackage(source, { trust }) };
}

function codes({ problems }: PackageReport): string[] {
  return problems.map(({ code, path }) => (path === undefined ? code : `${code} ${path}`));
}

/** Checksums are those of the files as they are now. */
function relist(files: Record<string, Buffer>): void {
  files['checksums.sha256'] = checksumsOf(files);
}

test('a package of all tiers is good, with who signed it and whose hands it went through', async () => {
  const { quick, full } = await verify();
  expect(quick).toMatchObject({
    ...{ isGood: true, problems: [], tiers: ['tier_1', 'tier_2', 'tier_3'], isDifference: false, hashedBytes: 0 },
    ...{ package: { id: 'line-inspection', version: '1.3' }, signer: { isOwnMesh: true }, fileCount: 10 },
    custody: [{ action: 'created', standing: 'member' }],
  });
  expect(full).toEqual({ ...quick, hashedBytes: 10_114 });
  expect(() => assertGood(full)).not.toThrow();
});

test('an export of a tier is good, and has that tier', async () => {
  const { full } = await verify({ without: LARGE });
  expect(full).toMatchObject({ isGood: true, tiers: ['tier_1', 'tier_2'] });
});

test('a quick check reads no member', async () => {
  const { files, trust } = packPackage();
  await using source = await openPackageSource(await writeFiles(folder, files));
  const read = new Set<string>();
  const watched: PackageSource = {
    ...{ name: source.name, entries: source.entries, sizeBytes: source.sizeBytes },
    checkLayout: () => source.checkLayout(),
    read: (path, ...rest) => {
      read.add(path);
      return source.read(path, ...rest);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
  await verifyPackage(watched, { trust, quick: true });
  expect([...read]).toEqual(['manifest.yaml', 'checksums.sha256', 'custody.jsonl']);
});

test('a changed byte is found by a full check, and by no quick one', async () => {
  const { quick, full } = await verify({}, (files) => files[TINY]?.fill(0, 5, 6));
  expect(quick.isGood).toBe(true);
  expect(codes(full)).toEqual([`digest_mismatch ${TINY}`]);
  expect(full.problems[0]?.data).toMatchObject({ expected: expect.any(String), actual: expect.any(String) });
  expect(() => assertGood(full)).toThrow(expect.objectContaining({ code: 'digest_mismatch' }));
});

test('all that is wrong is told, and the error has all of it', async () => {
  const { full } = await verify({}, (files) => {
    files[TINY]?.fill(0, 5, 6);
    files['agents/vision_agent-1.2.yaml']?.fill(0);
    files['tools/evil.sh'] = Buffer.from('rm');
  });
  expect(codes(full)).toEqual([
    ...['member_strange tools/evil.sh', 'checksums_wrong tools/evil.sh'],
    ...['digest_mismatch agents/vision_agent-1.2.yaml', `digest_mismatch ${TINY}`],
  ]);
  expect(() => assertGood(full)).toThrow(/named by neither .* \(and 3 more\)/);
});

test('at most so many faults are kept, and all are counted', async () => {
  const { quick } = await verify({}, (files) => {
    for (let index = 0; index < 150; index += 1) files[`tools/${index}`] = Buffer.alloc(0);
  });
  expect([quick.problems.length, quick.problemCount]).toEqual([200, 300]);
});

test('a file that is named nowhere is refused even where it is listed', async () => {
  const { quick } = await verify({ with: { 'models/extra.pkl': 'x' } });
  expect(codes(quick)).toEqual(['member_strange models/extra.pkl']);
});

test('a file of another size is found without reading it', async () => {
  const { quick } = await verify({}, (files) => {
    files[TINY] = Buffer.alloc(2999);
    relist(files);
  });
  expect(codes(quick)).toEqual([`size_wrong ${TINY}`, `checksums_wrong ${TINY}`]);
});

test('a file that is listed and not there is missing', async () => {
  const { quick } = await verify({}, (files) => delete files[TINY]);
  expect(codes(quick)).toEqual([`member_missing ${TINY}`, 'tier_incomplete']);
  expect(quick.tiers).toEqual([]);
});

test('half of a tier is no export', async () => {
  const { quick } = await verify({ without: LARGE.slice(0, 1) });
  expect(codes(quick)).toEqual(['tier_incomplete']);
  expect(quick.problems[0]).toMatchObject({ data: { tier: 'tier_3', missing: LARGE.slice(0, 1) } });
});

test.each([
  ['missing', (files: Record<string, Buffer>) => delete files['checksums.sha256']],
  ['cut off', (files: Record<string, Buffer>) => (files['checksums.sha256'] = Buffer.from('abc'))],
  ['no list', (files: Record<string, Buffer>) => (files['checksums.sha256'] = Buffer.from('abc\n'))],
])('checksums that are %s are wrong', async (_name, change) => {
  const { quick } = await verify({}, change);
  expect(quick.problems[0]).toMatchObject({ code: 'checksums_wrong' });
});

test('checksums have each file once, with the manifest’s digest, and neither themselves nor the custody', async () => {
  const { quick } = await verify({}, (files) => {
    const list = files['checksums.sha256']?.toString() ?? '';
    const [first = ''] = list.split('\n');
    const custody = `${createHash('sha256').update('x').digest('hex')}  custody.jsonl\n`;
    files['checksums.sha256'] = Buffer.from(
      `${list.replace(/^.{64}(?= {2}agents)/m, 'a'.repeat(64))}${first}\n${custody}`,
    );
  });
  expect(codes(quick)).toEqual([
    ...['checksums_wrong', 'checksums_wrong agents/vision_agent-1.2.yaml', 'checksums_wrong custody.jsonl'],
  ]);
});

test('a manifest that was changed after signing is found, wherever its digest is listed', async () => {
  const { quick } = await verify({}, (files) => {
    files['manifest.yaml'] = Buffer.from(files['manifest.yaml']?.toString().replace('training-server-01', 'me') ?? '');
    relist(files);
  });
  expect(codes(quick)).toEqual(['package_signature_wrong', 'custody_broken']);
});

test('signatures of another package do not serve', async () => {
  const signed = packPackage({ sample: samplePackage({}, '1.4') }).manifest;
  const { quick } = await verify({}, (files, { manifest }) => {
    const swapped: PackageManifest = { ...manifest, signatures: signed.signatures ?? {} };
    files['manifest.yaml'] = Buffer.from(formatPackageManifest(swapped));
    relist(files);
  });
  expect(codes(quick)).toEqual(['package_signature_wrong']);
});

test('tiers of two packages do not mix', async () => {
  const older = packPackage({ sample: samplePackage({ [TINY]: Buffer.alloc(3000, 'older') }, '1.2') });
  const { quick, full } = await verify({}, (files) => {
    files[TINY] = older.files[TINY] ?? Buffer.alloc(0);
    relist(files);
  });
  expect(codes(quick)).toEqual([`checksums_wrong ${TINY}`]);
  expect(codes(full)).toEqual([`checksums_wrong ${TINY}`, `digest_mismatch ${TINY}`]);
});

test('the custody of another package is found', async () => {
  const other = packPackage({ sample: samplePackage({}, '1.4') });
  const { quick } = await verify({}, (files) => {
    files['custody.jsonl'] = other.files['custody.jsonl'] ?? Buffer.alloc(0);
  });
  expect(quick.problems).toMatchObject([{ code: 'custody_broken', data: { line: 1, reason: 'other_package' } }]);
});

test('a manifest that cannot be read ends the check', async () => {
  const { quick } = await verify({}, (files) => {
    files['manifest.yaml'] = Buffer.from('package: &a {}\n');
  });
  expect(codes(quick)).toEqual(['manifest_bad']);
  expect(quick).toMatchObject({ package: undefined, tiers: [], isGood: false });
});

test('papers over their limits are not read', async () => {
  const { quick } = await verify({}, (files) => {
    files['custody.jsonl'] = Buffer.alloc(4 * MiB + 1);
  });
  expect(codes(quick)).toEqual(['too_large']);
});

test('progress goes up to the last byte, and a check can be stopped', async () => {
  const { files, trust } = packPackage();
  await using source = await openPackageSource(await writeFiles(folder, files));
  const seen: number[] = [];
  await verifyPackage(source, { trust, onProgress: ({ doneBytes }) => seen.push(doneBytes) });
  expect(seen.at(-1)).toBe(10_114);
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  const stopped = verifyPackage(source, { trust, signal: AbortSignal.abort() });
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
});

const DELTA_BYTES = Buffer.from('what changed');

/** Brings the small model as a difference, and nothing of tier 3; the rest is there. */
function deltaOf({ manifest }: PackedPackage | { readonly manifest: PackageManifest }): DeltaManifest {
  const tiny = manifest.contents.models?.[0];
  return {
    delta: {
      ...{ base_version: '1.2', base_manifest: factsOfBytes('1.2').hash, target_version: manifest.package.version },
      ...{ target_manifest: `sha256:${packageDigest(manifest)}`, changes: {} },
    },
    members: [
      { path: 'config/mission.yaml', how: 'held' },
      {
        ...{ path: TINY, how: 'difference' },
        differences: [
          {
            ...{ base_hash: factsOfBytes('old').hash, target_hash: tiny?.hash ?? '', delta_path: 'models/tiny.delta' },
            ...{ delta_size_bytes: DELTA_BYTES.length, delta_hash: factsOfBytes(DELTA_BYTES).hash },
          },
        ],
      },
      ...LARGE.map((path) => ({ path, how: 'held' as const })),
      ...['agents/vision_agent-1.2.yaml', 'tools/core_tools.yaml', 'knowledge/defects.chunks.jsonl'].map((path) => ({
        ...{ path, how: 'full' as const },
      })),
    ],
  };
}

function difference(change: (delta: DeltaManifest) => DeltaManifest = (delta) => delta): PackedOptions {
  return {
    delta: change(deltaOf(samplePackage())),
    without: ['config/mission.yaml', TINY, ...LARGE],
    with: { 'models/tiny.delta': DELTA_BYTES },
  };
}

test('a difference package is whole with what the site has', async () => {
  const { full } = await verify(difference());
  expect(full).toMatchObject({ problems: [], isDifference: true, tiers: ['tier_1', 'tier_2', 'tier_3'] });
});

test('a difference of other bytes is found', async () => {
  const { quick, full } = await verify(difference(), (files) => files['models/tiny.delta']?.fill(0));
  expect(codes(quick)).toEqual([]);
  expect(codes(full)).toEqual(['digest_mismatch models/tiny.delta']);
});

test('what a difference package says it has is there', async () => {
  const { quick } = await verify({ ...difference(), with: {} });
  expect(codes(quick)).toEqual(['member_missing models/tiny.delta', 'tier_incomplete']);
});

test('a member that is said to be held is not there', async () => {
  const { quick } = await verify({ ...difference(), without: [TINY, ...LARGE] });
  expect(codes(quick)).toEqual(['member_strange config/mission.yaml']);
});

function withTiny(delta: DeltaManifest, changes: object): DeltaManifest {
  const members = delta.members.map((member) =>
    member.path === TINY
      ? { ...member, differences: member.differences?.map((step) => ({ ...step, ...changes })) }
      : member,
  );
  return { ...delta, members };
}

test.each<[string, (delta: DeltaManifest) => DeltaManifest]>([
  ['is for another version', (delta) => ({ ...delta, delta: { ...delta.delta, target_version: '1.4' } })],
  [
    'is for another package',
    (delta) => ({ ...delta, delta: { ...delta.delta, target_manifest: factsOfBytes('').hash } }),
  ],
  ['names what is no member', (delta) => ({ ...delta, members: [...delta.members, { path: 'tools/x', how: 'held' }] })],
  ['ends elsewhere', (delta) => withTiny(delta, { target_hash: factsOfBytes('else').hash })],
  ['lies in a member’s place', (delta) => withTiny(delta, { delta_path: 'agents/vision_agent-1.2.yaml' })],
  ['lies in a paper’s place', (delta) => withTiny(delta, { delta_path: 'checksums.sha256' })],
])('a delta.yaml that %s is bad', async (_name, change) => {
  const { quick } = await verify(difference(change));
  expect(quick.problems[0]).toMatchObject({ code: 'delta_bad' });
});

test('a delta.yaml that cannot be read is bad', async () => {
  const { quick } = await verify(difference(), (files) => {
    files['delta.yaml'] = Buffer.from(formatDeltaManifest(deltaOf(samplePackage())).replace('held', 'stolen'));
  });
  expect(codes(quick)).toEqual(['delta_bad']);
});
