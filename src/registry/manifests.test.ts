import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { ModelId } from '../core/index.ts';
import { parseManifest } from '../protocol/index.ts';
import { openRegistry, type Registry } from './registry.ts';
import { digestOf } from './testing/local-model.ts';

let folder: string;
let registry: Registry;
const key = { modelId: 'org/m' as ModelId, version: '1.0', sha256: digestOf('m') };
const kept = parseManifest({
  ...{ model_id: 'org/m', name: 'm', version: '1.0', model_type: 'llm', format: 'gguf', size_bytes: 7 },
  ...{ sha256: key.sha256, revision: 40, config: { nothing: null } },
});

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'manifests-'));
  registry = openRegistry(join(folder, 'registry.sqlite'));
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

it('keeps the owner’s words and the manifest over a restart', () => {
  registry.manifests.put({ ...key, words: { license: 'MIT', features: null }, kept }, 1);
  registry.close();
  registry = openRegistry(join(folder, 'registry.sqlite'));
  const row = { ...key, words: { license: 'MIT', features: null }, kept };
  expect(registry.manifests.get(key)).toEqual(row);
  expect(registry.manifests.list()).toEqual([row]);
  expect(registry.manifests.get({ ...key, version: '2' })).toBeUndefined();
});

it('never forgets the largest revision, whatever is written after it', () => {
  expect(registry.manifests.revisionOf(key)).toBe(0);
  registry.manifests.raiseRevision(key, 50, 1);
  registry.manifests.raiseRevision(key, 45, 2);
  registry.manifests.put({ ...key, words: {}, kept }, 3);
  expect(registry.manifests.revisionOf(key)).toBe(50);
});

it('does not list what it only knows a revision of', () => {
  registry.manifests.raiseRevision(key, 50, 1);
  expect(registry.manifests.list()).toEqual([]);
});
