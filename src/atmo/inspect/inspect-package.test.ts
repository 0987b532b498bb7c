import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { type PackedPackage, packPackage, trustIn, writeFiles } from '../../testkit/packages.ts';
import { openPackageSource } from '../source/open-package-source.ts';
import type { PackageTrust } from '../verify/package-trust.ts';
import { inspectPackage, type PackageInspection } from './inspect-package.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'inspect-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function inspect({ files }: PackedPackage, trust?: PackageTrust): Promise<PackageInspection> {
  await using source = await openPackageSource(await writeFiles(folder, files));
  return await inspectPackage(source, trust);
}

const LARGE = ['models/inspector-1.0/config.json', 'models/inspector-1.0/weights/model.safetensors'];

test('everything in a package is told, with its tiers and sizes', async () => {
  const packed = packPackage();
  const { items, tiers, about, signature, custody } = await inspect(packed, packed.trust);
  expect(about).toMatchObject({ id: 'line-inspection', version: '1.3', created_by: 'training-server-01' });
  expect(items.map(({ section, id, version, how, fileCount }) => [section, id, version, how, fileCount])).toEqual([
    ['config', 'config/mission.yaml', undefined, 'full', 1],
    ['models', 'acme/tiny-defects', '1.3', 'full', 1],
    ['models', 'acme/inspector', '1.0', 'full', 2],
    ['agents', 'vision_agent', '1.2', 'full', 1],
    ['tools', 'core_tools', '1.0', 'full', 1],
    ['knowledge', 'defects', undefined, 'full', 1],
  ]);
  expect(tiers.map(({ tier, sizeBytes, bytesHere, isComplete }) => [tier, sizeBytes, bytesHere, isComplete])).toEqual([
    ['tier_1', 3090, 3090, true],
    ['tier_2', 3100, 3100, true],
    ['tier_3', 10_114, 10_114, true],
  ]);
  expect(signature).toMatchObject({ holds: true, signer: { isOwnMesh: true }, refusal: undefined });
  expect(custody).toMatchObject([{ action: 'created', standing: 'member' }]);
});

test('an export of a part says what it lacks', async () => {
  const whole = await inspect(packPackage({ without: LARGE }));
  expect(whole.items.find(({ id }) => id === 'acme/inspector')).toMatchObject({ how: 'missing', sizeBytes: 7014 });
  expect(whole.tiers.at(-1)).toMatchObject({ isComplete: false, bytesHere: 3100, sizeBytes: 10_114 });
});

test('a model of which some files are there is partly there', async () => {
  const { items } = await inspect(packPackage({ without: LARGE.slice(0, 1) }));
  expect(items.find(({ id }) => id === 'acme/inspector')?.how).toBe('partly');
});

test('without a word on whom to trust it is told who says to have signed', async () => {
  const packed = packPackage();
  const { signature, custody } = await inspect(packed);
  expect(signature).toMatchObject({ holds: true, signer: undefined, refusal: undefined });
  expect(signature.said.mesh_id).toBe(packed.mesh.authority.id);
  expect(custody).toMatchObject([{ standing: 'outside' }]);
});

test('what would be refused is told beside what is in it', async () => {
  const packed = packPackage();
  packed.files['custody.jsonl'] = Buffer.from('{}\n');
  const { signature, custody, custodyRefusal, items } = await inspect(packed, trustIn(makeTestMesh('strangers')));
  expect(signature.refusal?.code).toBe('mesh_unknown');
  expect([custody, custodyRefusal?.code]).toEqual([[], 'custody_broken']);
  expect(items).toHaveLength(6);
});
