import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelId } from '../../core/index.ts';
import { DEPLOYMENT_STEPS, type Deployed } from '../../deploy/index.ts';
import { MODEL_STATUSES, parseManifest } from '../../protocol/index.ts';
import { openRegistry, type Registry } from '../../registry/index.ts';
import { DeploymentJournal } from './journal.ts';

let folder: string;
let registry: Registry;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journal-'));
  registry = openRegistry(join(folder, 'db'));
});
afterEach(() => {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
});

function reopen(): DeploymentJournal {
  registry.close();
  registry = openRegistry(join(folder, 'db'));
  return new DeploymentJournal(registry.deployments);
}

function rowOf(change: Partial<Deployed> = {}): Deployed {
  const manifest = parseManifest({
    ...{ model_id: 'acme/detector', name: 'detector', version: '2.0.0', model_type: 'detector', format: 'onnx' },
    ...{ size_bytes: 1, sha256: 'ab'.repeat(32), metadata: { golden: { inputs: { x: [[1, 2]] } } } },
  });
  const { model_id: modelId, version, sha256 } = manifest;
  return {
    ...{ modelId, version, sha256, manifest, status: 'Downloading', step: 'fetch', inForce: 'previous' },
    previous: { ...manifest, version: '1.0.0' },
    ...{ previousStatus: 'Loaded', load: false, priority: 1, owned: [{ version: '1.0.0', sha256 }] },
    because: { kind: 'rollout', id: 'r1', author: undefined, orderedAtMs: 7 },
    error: { code: 'timed_out', message: 'nobody' },
    cause: { code: 'probe_failed', message: 'bad', again: false },
    ...{
      downloadProgress: 0.5,
      verifiedAtMs: 1,
      loadedAtMs: 2,
      transferMs: 3,
      attempts: 4,
      retryAtMs: 5,
      updatedAtMs: 6,
    },
    ...change,
  };
}

describe('DeploymentJournal', () => {
  it('gives back every field of every step and status after a restart', () => {
    const journal = new DeploymentJournal(registry.deployments);
    const rows = DEPLOYMENT_STEPS.map((step, index) => {
      const status = MODEL_STATUSES[index % MODEL_STATUSES.length] ?? 'Ready';
      return rowOf({ modelId: `m/${step}` as ModelId, step, status });
    });
    for (const row of rows) journal.put(row);
    const again = reopen();
    for (const row of rows) expect(again.get(row.modelId)).toEqual(row);
    again.delete('m/fetch' as ModelId);
    expect(reopen().list()).toHaveLength(rows.length - 1);
  });

  it('keeps the row before when the new one cannot be written', () => {
    const journal = new DeploymentJournal(registry.deployments);
    journal.put(rowOf());
    registry.close();
    expect(() => journal.put(rowOf({ step: 'gate' }))).toThrow(expect.objectContaining({ code: 'database_failed' }));
    expect(journal.get('acme/detector' as ModelId)?.step).toBe('fetch');
    registry = openRegistry(join(folder, 'db'));
  });

  it('leaves out a row whose words are of another program', () => {
    new DeploymentJournal(registry.deployments).put(rowOf());
    const db = new DatabaseSync(join(folder, 'db'));
    db.exec("UPDATE deployments SET step = 'teleport'");
    db.close();
    expect(reopen().list()).toEqual([]);
  });
});
