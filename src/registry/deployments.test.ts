import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelId } from '../core/index.ts';
import { parseManifest } from '../protocol/index.ts';
import type { StoredDeployment } from './deployments.ts';
import { openRegistry, type Registry } from './registry.ts';
import { digestOf } from './testing/local-model.ts';

let folder: string;
let registry: Registry;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'deployments-'));
  registry = openRegistry(join(folder, 'registry.sqlite'));
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

function stored(modelId: string, change: Partial<StoredDeployment> = {}): StoredDeployment {
  const facts = { model_id: modelId, name: 'm', version: '1.0.0', sha256: digestOf(modelId) };
  const manifest = parseManifest({ ...facts, model_type: 'detector', format: 'onnx', size_bytes: 1 });
  return {
    ...{ modelId: modelId as ModelId, version: '1.0.0', sha256: digestOf(modelId), status: 'Loaded', step: 'settled' },
    ...{
      because: { kind: 'command', id: 'x' },
      manifest,
      previous: undefined,
      detail: { attempts: 1 },
      updatedAtMs: 5,
    },
    ...change,
  };
}

describe('createDeployments()', () => {
  it('gives back what was put, newest word a model, over a reopening', () => {
    const before = stored('a/b', { step: 'probe' });
    registry.deployments.put(before);
    registry.deployments.put(stored('a/b', { previous: before.manifest }));
    registry.deployments.put(stored('a/a'));
    registry.close();
    registry = openRegistry(join(folder, 'registry.sqlite'));
    expect(registry.deployments.list()).toEqual([stored('a/a'), stored('a/b', { previous: before.manifest })]);
    registry.deployments.delete('a/a' as ModelId);
    expect(registry.deployments.list()).toHaveLength(1);
  });

  it('leaves out a row that was damaged, and that one alone', () => {
    registry.deployments.put(stored('a/a'));
    registry.deployments.put(stored('a/b'));
    const db = new DatabaseSync(join(folder, 'registry.sqlite'));
    db.exec("UPDATE deployments SET manifest = '{' WHERE model_id = 'a/a'");
    db.close();
    expect(registry.deployments.list().map(({ modelId }) => modelId)).toEqual(['a/b']);
  });
});

describe('createPins()', () => {
  it('keeps one pin a model', () => {
    const pin = { modelId: 'a/b' as ModelId, version: '1.0.0', sha256: digestOf('x'), pinnedAtMs: 7 };
    registry.pins.put(pin);
    registry.pins.put({ ...pin, version: '2.0.0' });
    expect(registry.pins.list()).toEqual([{ ...pin, version: '2.0.0' }]);
    expect([registry.pins.delete(pin.modelId), registry.pins.delete(pin.modelId)]).toEqual([true, false]);
  });
});
