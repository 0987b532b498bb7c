/** The vector package and all that is wrong with its brothers, held against `verifyPackage`. Spec: docs/spec/21-packages.md §10. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ArchiveTarget, AtmoError, openPackageSource, type PackageReport, verifyPackage } from '../atmo/index.ts';
import { MiB } from '../core/index.ts';
import { PACKAGE_TIERS } from '../protocol/index.ts';
import { badArchives } from './bad-archives.ts';
import { badPackages, VECTOR_TRUST, vectorArchive } from './bad-packages.ts';
import { sha256, VECTOR_CREATED, vectorPackage } from './vector-package.ts';
import { vectorCases } from './vectors.ts';

interface Case {
  readonly name: string;
  readonly sha256: string;
  readonly size_bytes: number;
  readonly code?: string;
}

const good = vectorPackage();
const members = [...good].map(([path, content]) => ({ path, content }));
/** What lies in an archive matters little to how it lies. */
const small = members.filter(({ content }) => content.length < MiB);
const built = new Map<string, () => Buffer>([
  ['good', () => vectorArchive(good)],
  ...[...badPackages(good), ...badArchives(small)].map(({ name, build }): [string, () => Buffer] => [name, build]),
]);

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bad-packages-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function look(bytes: Buffer, quick: boolean): Promise<PackageReport | AtmoError> {
  const path = join(folder, 'package.atmo');
  await writeFile(path, bytes);
  try {
    await using source = await openPackageSource(path);
    return await verifyPackage(source, { trust: VECTOR_TRUST, quick });
  } catch (thrown) {
    if (thrown instanceof AtmoError) return thrown;
    throw thrown;
  }
}

const codeOf = (found: PackageReport | AtmoError) =>
  found instanceof AtmoError ? found.code : found.problems[0]?.code;

describe('vectors/packages/archives', () => {
  const cases = vectorCases<Case>('packages/archives');

  test('name each package that is made here', () => {
    expect(cases.map(([, { name }]) => name).sort()).toEqual([...built.keys()].sort());
  });

  test.each(cases)('%s', async (_name, { name, code, sha256: digest, size_bytes }) => {
    const bytes = built.get(name)?.() ?? Buffer.alloc(0);
    expect([bytes.length, sha256(bytes)]).toEqual([size_bytes, digest]);
    // What papers and sizes tell is told without reading the weights.
    const found = await look(bytes, code !== undefined && code !== 'digest_mismatch');
    expect(codeOf(found)).toBe(code);
    expect(found instanceof AtmoError || found.isGood).toBe(code === undefined || found instanceof AtmoError);
  });
});

test('the good package is whole in three tiers, and signed by the mesh', async () => {
  const report = (await look(vectorArchive(good), false)) as PackageReport;
  expect(report).toMatchObject({
    isGood: true,
    isDifference: false,
    tiers: PACKAGE_TIERS,
    signer: { isOwnMesh: true },
  });
  expect(report.hashedBytes).toBeGreaterThan(11.9 * MiB);
  expect(report.custody.map(({ action, standing }) => `${action} ${standing}`)).toEqual([
    'created member',
    'exported member',
  ]);
});

test('the archive that is written here has the good one’s bytes, field by field', async () => {
  const path = join(folder, 'written.atmo');
  await using target = new ArchiveTarget({ path, created: new Date(VECTOR_CREATED) });
  for (const { path: name, content } of members) await target.add({ path: name, sizeBytes: content.length, content });
  await target.finish();
  const found = await openPackageSource(path);
  expect(found.entries.map(({ path: name }) => name)).toEqual([...good.keys()]);
  await found[Symbol.asyncDispose]();
});
