import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ModelId, parseSha256 } from '../core/index.ts';
import { toMeshYaml } from './mesh-view.ts';
import { openRegistry, type Registry } from './registry.ts';

let folder: string;
let registry: Registry;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sightings-'));
  registry = openRegistry(join(folder, 'db.sqlite'));
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

function content(modelId: string, version: string, digit = 'a') {
  return { modelId: modelId as ModelId, version, sha256: parseSha256(digit.repeat(64)) };
}

test('what was seen first keeps its time, over restarts', () => {
  const { sightings } = registry;
  expect(sightings.note([content('a/b', '1'), content('a/b', '1', 'c')], 1000)).toBe(true);
  expect(sightings.note([content('a/b', '1'), content('z', '2')], 2000)).toBe(true);
  expect(sightings.note([content('a/b', '1')], 3000)).toBe(false);
  registry.close();
  registry = openRegistry(join(folder, 'db.sqlite'));
  expect(registry.sightings.list('a/b').map(({ firstSeenMs }) => firstSeenMs)).toEqual([1000, 1000]);
  expect(registry.sightings.list().map(({ modelId, firstSeenMs }) => [modelId, firstSeenMs])).toEqual([
    ['a/b', 1000],
    ['a/b', 1000],
    ['z', 2000],
  ]);
});

test('the view has the versions in their order, and only what is known of them', () => {
  const row = { nodes: ['edge-2', 'edge-1'], firstSeenMs: 0, deprecated: false };
  const text = toMeshYaml([
    { modelId: 'b', version: '1.10.0', ...row },
    { modelId: 'b', version: '1.9.0', ...row, nodes: [], firstSeenMs: undefined, deprecated: true },
    { modelId: '__proto__', version: '2', ...row },
  ]);
  expect(text).toBe(
    [
      'mesh_models:',
      '  __proto__:',
      '    versions:',
      '      "2":',
      '        nodes:',
      '          - edge-1',
      '          - edge-2',
      '        first_seen: 1970-01-01T00:00:00.000Z',
      '  b:',
      '    versions:',
      '      1.9.0:',
      '        nodes: []',
      '        deprecated: true',
      '      1.10.0:',
      '        nodes:',
      '          - edge-1',
      '          - edge-2',
      '        first_seen: 1970-01-01T00:00:00.000Z',
      '',
    ].join('\n'),
  );
});
