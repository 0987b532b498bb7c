import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { PackageJournalRow, PackageRow, PackageVersion } from './packages.ts';
import { openRegistry, type Registry } from './registry.ts';
import { digestOf } from './testing/local-model.ts';

let folder: string;
let registry: Registry;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'packages-'));
  registry = openRegistry(join(folder, 'registry.sqlite'));
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

function reopen(): void {
  registry.close();
  registry = openRegistry(join(folder, 'registry.sqlite'));
}

function versionOf(version: string): PackageVersion {
  const who = { meshId: 'mesh', signer: 'mesh' };
  const members = [{ path: 'manifest.yaml', sha256: digestOf(version), sizeBytes: 7, isOfTier: true }];
  const what = { id: 'line', version, manifestSha256: digestOf(version), tier: 'tier_1', hasAllTiers: false };
  const made = { install: `i${version}`, createdBy: 'maker', createdAt: '2026-01-01T00:00:00Z' };
  return { ...what, ...who, ...made, members, models: [], agents: [], keptConfig: [], installedAtMs: 3 };
}

function rowOf(version: string, previous?: string): PackageRow {
  const before = previous === undefined ? undefined : versionOf(previous);
  return { id: 'line', install: `i${version}`, current: versionOf(version), previous: before, updatedAtMs: 5 };
}

function journalOf(step: string, before?: PackageRow): PackageJournalRow {
  const times = { beganAtMs: 1, updatedAtMs: 2 };
  return {
    id: 'line',
    install: 'i2',
    kind: 'import',
    step,
    target: versionOf('2'),
    before,
    detail: { a: 1 },
    ...times,
  };
}

describe('createPackages()', () => {
  it('gives back what was put in force, and the step of the journal with it, over a reopening', () => {
    registry.packages.commit(rowOf('1'), journalOf('place'));
    registry.packages.commit(rowOf('2', '1'), journalOf('config', rowOf('1')));
    reopen();
    expect(registry.packages.list()).toEqual([rowOf('2', '1')]);
    expect(registry.packages.journal.list()).toEqual([journalOf('config', rowOf('1'))]);
    registry.packages.journal.delete('line');
    expect(registry.packages.journal.get('line')).toBeUndefined();
  });

  it('puts nothing in force when the journal takes no row', () => {
    const broken = { ...journalOf('place'), kind: 'sideways' as 'import' };
    expect(() => registry.packages.commit(rowOf('1'), broken)).toThrow();
    expect(registry.packages.get('line')).toBeUndefined();
  });

  it('takes a package out', () => {
    registry.packages.commit(rowOf('1'), journalOf('place'));
    registry.packages.commit(undefined, journalOf('undo'));
    expect(registry.packages.list()).toEqual([]);
  });

  it('keeps whose packages are trusted', () => {
    const mesh = { kind: 'mesh', id: 'm1', name: 'plant', addedAtMs: 4 } as const;
    registry.packages.trust.put(mesh);
    registry.packages.trust.put({ ...mesh, name: 'Plant' });
    expect(registry.packages.trust.list()).toEqual([{ ...mesh, name: 'Plant' }]);
    expect([registry.packages.trust.delete('founder', 'm1'), registry.packages.trust.delete('mesh', 'm1')]).toEqual([
      ...[false, true],
    ]);
  });
});
