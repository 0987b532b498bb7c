import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { NodeId } from '../core/index.ts';
import { type RegistryViewModel, toRegistryYaml, writeRegistryView } from './registry-view.ts';
import { digestOf, localModel } from './testing/local-model.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'view-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function viewModel(change: Partial<RegistryViewModel> = {}): RegistryViewModel {
  return { ...localModel(1), path: '/home/models/1', ...change };
}

it('writeRegistryView() writes the models by id, whole, and leaves nothing beside', async () => {
  const path = join(folder, 'models', 'registry.yaml');
  const loaded = { loaded: true, loadedAtMs: Date.UTC(2026, 1, 2, 16), sourceNode: '12D3KooWX' as NodeId };
  await writeRegistryView(path, [viewModel(loaded)]);
  await writeRegistryView(path, [viewModel(loaded)]);
  expect(parse(await readFile(path, 'utf8'))).toEqual({
    models: {
      'org/model-1': {
        version: '1.0.0',
        path: '/home/models/1',
        loaded: true,
        loaded_at: '2026-02-02T16:00:00.000Z',
        source_node: '12D3KooWX',
        checksum: `sha256:${digestOf('model 1')}`,
        size_bytes: 1001,
        format: 'gguf',
        type: 'llm',
        state: 'ready',
      },
    },
  });
  expect(await readdir(join(folder, 'models'))).toEqual(['registry.yaml']);
});

it('toRegistryYaml() has the newest version under the id and loses no variant', () => {
  const models = [
    viewModel({ version: '1.9' }),
    viewModel({ version: '1.10' }),
    viewModel({ version: '1.9', sha256: digestOf('x') }),
    viewModel({ version: '1.9', sha256: undefined }),
  ];
  const view = parse(toRegistryYaml(models)) as { models: Record<string, { version: string }> };
  expect(view.models['org/model-1']?.version).toBe('1.10');
  expect(Object.keys(view.models)).toHaveLength(4);
  expect(parse(toRegistryYaml([]))).toEqual({ models: {} });
});

it('writeRegistryView() into a folder that cannot be is database_failed', async () => {
  await writeFile(join(folder, 'file'), '');
  await expect(writeRegistryView(join(folder, 'file', 'r.yaml'), [])).rejects.toMatchObject({
    code: 'database_failed',
  });
});
