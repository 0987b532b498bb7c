import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { ModelId } from '../../core/index.ts';
import { factsOfBytes, manifestOf, samplePackage } from '../../testkit/package-manifests.ts';
import { canonicalBytes } from '../canonical.ts';
import { fileSetBytes } from '../file-set.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { parseDeltaManifest } from './delta-manifest.ts';
import { parseMission, readModelRef } from './mission.ts';
import { packageFaults } from './package-checks.ts';
import { packagedModelEntry } from './package-entry.ts';
import { formatPackageManifest, type PackageManifest, parsePackageManifest } from './package-manifest.ts';
import { fileSetOf, packageMembers } from './package-members.ts';
import { readPackageRef } from './package-names.ts';
import { packageDigest, packageSigningBytes } from './package-signing.ts';
import { parseSiteInventory } from './site-inventory.ts';
import { readTier } from './tier.ts';

test('a manifest reads back as it was written, with the same digest', () => {
  const { manifest } = samplePackage();
  const text = formatPackageManifest(manifest);
  const read = parsePackageManifest(text);
  expect(read).toEqual(manifest);
  expect(formatPackageManifest(read)).toBe(text);
  expect(packageDigest(read)).toBe(packageDigest(manifest));
});

test('bytes that are not UTF-8, too many, or too deep are refused', () => {
  expect(() => parsePackageManifest(Buffer.from([0x61, 0xff]))).toThrow(/not UTF-8/);
  const large = Buffer.alloc(PROTOCOL_LIMITS.packageManifestBytes + 1, ' ');
  expect(() => parsePackageManifest(large)).toThrow(expect.objectContaining({ code: 'too_large' }));
  const deep = `package: ${'['.repeat(30)}${']'.repeat(30)}\n`;
  expect(() => parsePackageManifest(deep)).toThrow(/nested over 24/);
  const inventory = ' '.repeat(PROTOCOL_LIMITS.inventoryBytes + 1);
  expect(() => parseSiteInventory(inventory)).toThrow(expect.objectContaining({ code: 'too_large' }));
  expect(() => parseSiteInventory(`${'['.repeat(30)}${']'.repeat(30)}`)).toThrow(/nested over 24/);
  expect(() => parseDeltaManifest(large)).toThrow(expect.objectContaining({ code: 'too_large' }));
});

test('all faults of a manifest are told, with their lines', () => {
  const text = formatPackageManifest(samplePackage().manifest).replace('3090', '1').replace('3.1kB', '9GB');
  expect(() => parsePackageManifest(text)).toThrow(/line 11, package.size_by_tier.tier_1: .* \(and 1 more\)/);
});

test('more files than a package may have are refused before anything is compared', () => {
  const file = { path: 'f', ...factsOfBytes('') };
  const files = Array.from({ length: 10_000 }, (_, index) => ({ ...file, path: `f${index}` }));
  const model = { path: 'models/a', id: 'a', version: '1', size_mb: 0, ...factsOfBytes(''), files };
  const { package: about } = samplePackage().manifest;
  const models = ['a', 'b', 'c'].map((id) => ({ ...model, id: id as ModelId, path: `models/${id}` }));
  expect(packageFaults({ package: about, contents: { models } })).toEqual([
    { path: ['contents'], message: 'it has 30000 files, wanted at most 4000' },
  ]);
});

/** Anything that a field of free words may hold. */
const words = fc.string({ minLength: 1, maxLength: 40, unit: 'grapheme' }).filter((text) => !text.includes('\u0000'));
const version = fc.stringMatching(/^[0-9a-zA-Z][0-9a-zA-Z.+_-]{0,8}[0-9a-zA-Z]$/).filter((text) => text !== 'current');
/** `__proto__` is no name of a field that is read. */
const json = fc
  .jsonValue({ maxDepth: 2, stringUnit: 'grapheme' })
  .filter((value) => !JSON.stringify(value).includes('__proto__'));

const manifests = fc
  .record({
    version,
    by: words,
    description: fc.option(words, { nil: undefined }),
    domain: words,
    free: json,
    text: fc.string(),
  })
  .map(({ version: of, by, description, domain, free, text }): PackageManifest => {
    const facts = { path: 'knowledge/x', ...factsOfBytes(text) };
    const made = manifestOf(
      { knowledge: [{ ...facts, domain, chunks: 1, ...(free === null ? {} : { free }) }] },
      { version: of },
    );
    return {
      ...made,
      package: { ...made.package, created_by: by, ...(description === undefined ? {} : { description }) },
    };
  });

test('whatever a manifest says, it is written and read back, and its signed bytes stay', () => {
  fc.assert(
    fc.property(manifests, (manifest) => {
      const wanted = JSON.parse(canonicalBytes(manifest).toString()) as PackageManifest;
      const read = parsePackageManifest(formatPackageManifest(wanted));
      expect(read).toEqual(wanted);
      expect(packageSigningBytes(read).equals(packageSigningBytes(wanted))).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test('the signed bytes do not depend on the order of fields, nor on the signatures', () => {
  const { manifest } = samplePackage();
  const { package: about, contents } = manifest;
  const turned = { contents, package: Object.fromEntries(Object.entries(about).reverse()), signatures: {} };
  expect(packageSigningBytes(turned as PackageManifest).equals(packageSigningBytes(manifest))).toBe(true);
  expect(packageSigningBytes(manifest).subarray(0, 22).toString()).toBe('atmosphere/package/v1\n');
});

test('a model of several files is as many members, and the list of them is no member', () => {
  const { manifest } = samplePackage();
  expect(packageMembers(manifest).map(({ path }) => path)).toContain('models/inspector-1.0/weights/model.safetensors');
  expect(packageMembers(manifest)).toHaveLength(7);
});

test('a packaged model becomes a catalog entry of its facts and its words', () => {
  const [tiny, inspector] = samplePackage().manifest.contents.models ?? [];
  if (tiny === undefined || inspector === undefined) throw new Error('no models');
  const list = fileSetOf(inspector);
  expect(packagedModelEntry(tiny)).toMatchObject({
    ...{
      model_id: 'acme/tiny-defects',
      version: '1.3',
      size_bytes: 3000,
      file: 'tiny-defects-1.3.onnx',
      type: 'other',
    },
    sha256: tiny.hash.slice('sha256:'.length),
  });
  expect(packagedModelEntry(inspector)).toMatchObject({
    ...{ type: 'llm', format: 'safetensors', context_length: 4096, file_count: 2, size_bytes: 7014 },
    file_list_bytes: list === undefined ? 0 : fileSetBytes(list).length,
  });
  const lying = { ...tiny, entry: { name: 'Tiny', sha256: 'f'.repeat(64), size_bytes: 1, version: '9' } };
  expect(packagedModelEntry(lying)).toMatchObject({ name: 'Tiny', version: '1.3', size_bytes: 3000 });
});

test('what a person writes for a package may be an id, or an id and a version', () => {
  expect(readPackageRef('line-inspection-1.3')).toEqual([
    { id: 'line-inspection-1.3' },
    { id: 'line', version: 'inspection-1.3' },
    { id: 'line-inspection', version: '1.3' },
  ]);
  expect(readPackageRef('line@v1.3')).toContainEqual({ id: 'line', version: '1.3' });
  expect(readPackageRef('../x')).toEqual([]);
});

test('a tier is named in three ways', () => {
  expect(['tier_2', 'tier2', '2', 'Tier-2'].map(readTier)).toEqual(Array(4).fill('tier_2'));
  expect(['', '4', 'tier', 'tier_22'].map(readTier)).toEqual(Array(4).fill(undefined));
});

test('a mission names what it wants, in short or in full', () => {
  const mission = parseMission(`
mission: { id: line }
models:
  - acme/tiny@^1.3
  - { name: acme/big, file: weights, tiers: [3, tier_2] }
agents: [agents/*.yaml, { path: a.yaml, version: 1.10 }]
`);
  expect(mission.models).toEqual([
    { name: 'acme/tiny@^1.3' },
    { name: 'acme/big', file: 'weights', tiers: ['tier_2', 'tier_3'] },
  ]);
  expect(mission.agents).toEqual([{ path: 'agents/*.yaml' }, { path: 'a.yaml', version: '1.10' }]);
  expect([readModelRef('acme/tiny@^1.3'), readModelRef('acme/big')]).toEqual([
    { id: 'acme/tiny', range: '^1.3' },
    { id: 'acme/big', range: 'latest' },
  ]);
});

test('a mission’s mistakes are told all at once, with their lines', () => {
  const wrong = 'models:\n  - ../x\n  - { name: a, tiers: [9] }\nagents: [/etc/passwd]\nextra: 1\n';
  const problems = [
    { line: 1, path: '' },
    { line: 2, path: 'models.0.name' },
    { line: 3, path: 'models.1.tiers' },
    { line: 4, path: 'agents.0.path' },
  ].map((one): unknown => expect.objectContaining(one));
  expect(() => parseMission(wrong)).toThrow(expect.objectContaining({ code: 'bad_document', data: { problems } }));
  expect(() => parseMission(wrong)).toThrow(/and 3 more/);
  expect(() => parseMission('models: []\n'.repeat(30_000))).toThrow(/wanted at most 262144/);
});
