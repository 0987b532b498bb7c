import { describe, expect, it } from 'vitest';
import type { ModelId, Sha256 } from '../../core/index.ts';
import type { Deployed } from '../../deploy/index.ts';
import { parseManifest, parseModelStatusPage } from '../../protocol/index.ts';
import { toDeploymentMetrics } from './deployment-metrics.ts';
import { toStatusEntries, toStatusPages, toWhy } from './status-pages.ts';

const AT = Date.parse('2027-03-01T08:00:00Z');

function manifestOf(version: string, modelId = 'acme/detector') {
  const sha256 = version.padEnd(64, 'a').replaceAll('.', '0');
  const facts = { model_id: modelId, name: 'detector', version, sha256 };
  return parseManifest({ ...facts, model_type: 'detector', format: 'onnx', size_bytes: 10 });
}

function row(change: Partial<Deployed> = {}): Deployed {
  const manifest = change.manifest ?? manifestOf('2.0.0');
  return {
    ...{
      modelId: manifest.model_id as ModelId,
      version: manifest.version,
      sha256: manifest.sha256 as Sha256,
      manifest,
    },
    ...{ status: 'Loaded', step: 'settled', previous: undefined, inForce: 'this', previousStatus: undefined },
    ...{ load: true, priority: 3, owned: [], error: undefined, cause: undefined, downloadProgress: 1 },
    because: { kind: 'command', id: 'c1', author: undefined, orderedAtMs: AT },
    ...{ verifiedAtMs: AT, loadedAtMs: AT, transferMs: 120, attempts: 0, retryAtMs: undefined, updatedAtMs: AT },
    ...change,
  };
}

describe('toStatusEntries()', () => {
  it('tells one entry of what is in force, with when and why', () => {
    expect(toStatusEntries(row())).toEqual([
      {
        ...{ model_id: 'acme/detector', version: '2.0.0', sha256: manifestOf('2.0.0').sha256, status: 'Loaded' },
        ...{ download_progress: 1, verified_at: '2027-03-01T08:00:00.000Z', loaded_at: '2027-03-01T08:00:00.000Z' },
        ...{ because: 'command:c1', transfer_ms: 120, updated_at: '2027-03-01T08:00:00.000Z' },
      },
    ]);
  });

  it('tells of both where the one before is in force again', () => {
    const failed = { status: 'Failed', inForce: 'previous', previousStatus: 'Loaded' } as const;
    const error = { code: 'wrong_answer', message: 'not a number' };
    const entries = toStatusEntries(row({ ...failed, error, previous: manifestOf('1.0.0') }));
    expect(entries.map(({ version, status, error_code }) => [version, status, error_code])).toEqual([
      ['2.0.0', 'Failed', 'wrong_answer'],
      ['1.0.0', 'Loaded', undefined],
    ]);
  });

  it('says of neither that it is well when going back failed', () => {
    const stuck = { status: 'Failed', step: 'rollback', inForce: 'previous', previousStatus: 'Failed' } as const;
    const error = { code: 'rollback_failed', message: 'm'.repeat(5000) };
    const entries = toStatusEntries(row({ ...stuck, error, previous: manifestOf('1.0.0') }));
    expect(entries.map(({ status, error_code }) => [status, error_code])).toEqual([
      ['Failed', 'rollback_failed'],
      ['Failed', 'rollback_failed'],
    ]);
    expect(parseModelStatusPage({ type: 'model_status', page: 0, pages: 1, models: entries }).models).toHaveLength(2);
  });
});

describe('toStatusPages()', () => {
  it.each([
    [0, [0]],
    [100, [100]],
    [101, [100, 1]],
  ])('%i models', (count, sizes) => {
    const rows = Array.from({ length: count }, (_, index) =>
      row({ manifest: manifestOf('1.0.0', `m/${String(index).padStart(4, '0')}`) }),
    );
    const pages = toStatusPages(rows.toReversed());
    expect(pages.map(({ models }) => models.length)).toEqual(sizes);
    expect(pages[0]?.pages).toBe(count === 0 ? 0 : sizes.length);
    const ids = pages.flatMap(({ models }) => models.map(({ model_id }) => model_id));
    expect(ids).toEqual(ids.toSorted());
  });

  it('names what has no id by its kind alone', () => {
    expect(toWhy({ kind: 'organic', id: '', author: undefined, orderedAtMs: 0 })).toBe('organic');
  });
});

describe('toDeploymentMetrics()', () => {
  it('counts as the public metrics do', () => {
    const entry = (version: string, change: Partial<Deployed> = {}) =>
      toStatusEntries(row({ manifest: manifestOf(version), ...change }));
    const error = { code: 'probe_failed', message: 'x' };
    const nodes = [
      entry('1.0.0'),
      entry('2.0.0', { transferMs: 240 }),
      entry('2.0.0', { status: 'Downloading', step: 'fetch', transferMs: undefined }),
      entry('2.0.0', {
        status: 'Failed',
        error,
        inForce: 'previous',
        previousStatus: 'Loaded',
        previous: manifestOf('1.0.0'),
      }),
      entry('2.0.0', { status: 'Failed', error, inForce: 'none', updatedAtMs: AT - 2 * 86_400_000 }),
    ];
    expect(toDeploymentMetrics(nodes, AT)).toEqual({
      ...{ total_models: 1, total_deployments: 3, pending_transfers: 1, failed_transfers_24h: 1 },
      ...{ avg_transfer_time_ms: 150, rollback_failed: 0 },
      by_model: { 'acme/detector': { nodes: 3, version_distribution: { '1.0.0': 2, '2.0.0': 1 } } },
    });
  });

  it('is all zeros for an empty mesh', () => {
    expect(toDeploymentMetrics([], AT)).toMatchObject({ total_models: 0, avg_transfer_time_ms: 0, by_model: {} });
  });
});
