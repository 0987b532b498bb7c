import { expect, test } from 'vitest';
import { vectorCases } from '../../testkit/vectors.ts';
import { formatDeltaManifest, parseDeltaManifest } from './delta-manifest.ts';
import { formatPackageManifest, parsePackageManifest } from './package-manifest.ts';
import {
  isPackageId,
  isPackageVersion,
  type PackageNaming,
  packageName,
  parsePackageId,
  parsePackageVersion,
} from './package-names.ts';
import { packageDigest } from './package-signing.ts';
import { readableSize, readSize, sizeInMb } from './package-size.ts';
import { formatSiteInventory, parseSiteInventory } from './site-inventory.ts';

/** The fields that an error names, and its code. */
function refusalOf(read: () => unknown): { readonly code: string; readonly fields: readonly string[] } {
  try {
    read();
  } catch (thrown) {
    const { code, data } = thrown as { code: string; data: { problems: { path: string }[] } };
    return { code, fields: data.problems.map(({ path }) => path) };
  }
  throw new Error('it was taken');
}

interface ManifestCase {
  readonly name: string;
  readonly yaml: string;
  readonly digest?: string;
  readonly fault?: string;
}

test.each(vectorCases<ManifestCase>('packages', 'manifests.json'))('%s', (_name, { yaml, digest, fault }) => {
  if (digest === undefined) {
    const { code, fields } = refusalOf(() => parsePackageManifest(yaml));
    expect(code).toBe('malformed');
    expect(fields).toContain(fault);
    return;
  }
  const manifest = parsePackageManifest(Buffer.from(yaml));
  expect(packageDigest(manifest)).toBe(digest);
  expect(parsePackageManifest(formatPackageManifest(manifest))).toEqual(manifest);
});

interface DeltaCase {
  readonly name: string;
  readonly yaml: string;
  readonly good?: boolean;
  readonly fault?: string;
}

test.each(vectorCases<DeltaCase>('packages', 'deltas.json'))('%s', (_name, { yaml, good, fault }) => {
  if (good !== true) {
    const { code, fields } = refusalOf(() => parseDeltaManifest(yaml));
    expect(code).toBe('malformed');
    expect(fields).toContain(fault);
    return;
  }
  const delta = parseDeltaManifest(yaml);
  expect(parseDeltaManifest(formatDeltaManifest(delta))).toEqual(delta);
});

type NameCase =
  | { readonly name: string; readonly kind: 'id' | 'version'; readonly text: string; readonly good: boolean }
  | { readonly name: string; readonly kind: 'name'; readonly of: PackageNaming; readonly is: string };

test.each(vectorCases<NameCase>('packages', 'names.json'))('%s', (_name, one) => {
  if (one.kind === 'name') {
    expect(packageName(one.of)).toBe(one.is);
    return;
  }
  const [isGood, parse] = one.kind === 'id' ? [isPackageId, parsePackageId] : [isPackageVersion, parsePackageVersion];
  expect(isGood(one.text)).toBe(one.good);
  if (one.good) expect(parse(one.text)).toBe(one.text);
  else expect(() => parse(one.text)).toThrow(expect.objectContaining({ code: 'unsafe_name' }));
});

interface SizeCase {
  readonly name: string;
  readonly bytes: number;
  readonly readable: string;
  readonly size_mb: number;
}

test.each(vectorCases<SizeCase>('packages', 'sizes.json'))('%s', (_name, { bytes, readable, size_mb }) => {
  expect([readableSize(bytes), sizeInMb(bytes)]).toEqual([readable, size_mb]);
  expect(Math.abs((readSize(readable) ?? Number.NaN) - bytes)).toBeLessThanOrEqual(bytes / 20);
});

interface InventoryCase {
  readonly name: string;
  readonly text: string;
  readonly good?: boolean;
  readonly fault?: string;
}

test.each(vectorCases<InventoryCase>('packages', 'inventories.json'))('%s', (_name, { text, good, fault }) => {
  if (good !== true) {
    const message = expect.stringContaining(fault ?? '') as unknown as string;
    expect(() => parseSiteInventory(text)).toThrow(expect.objectContaining({ code: 'malformed', message }));
    return;
  }
  const inventory = parseSiteInventory(text);
  expect(parseSiteInventory(formatSiteInventory(inventory))).toEqual(inventory);
});
