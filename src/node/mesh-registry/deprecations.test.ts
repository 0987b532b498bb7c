import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Emitter, type ModelId, type NodeId, seededRandom, silentLogger, systemClock } from '../../core/index.ts';
import { type Mesh, openMesh } from '../../mesh/index.ts';
import type { ModelAccess } from '../../protocol/index.ts';
import { openRegistry } from '../../registry/index.ts';
import { vectorCases } from '../../testkit/vectors.ts';
import { openIdentity } from '../../trust/index.ts';
import { deprecationKey } from './deprecation-key.ts';
import { Deprecations } from './deprecations.ts';

const MODEL = 'plant/detector' as ModelId;

let folder: string;
let stack: AsyncDisposableStack;
let mesh: Mesh;
let roles: Map<NodeId, string>;
let policy: { current: ModelAccess | undefined; changes: Emitter<void> };
let deprecations: Deprecations;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'deprecations-'));
  stack = new AsyncDisposableStack();
  const { records, peers, invites } = stack.use(openRegistry(join(folder, 'db.sqlite')));
  mesh = openMesh({
    identity: openIdentity(folder, { nodeName: 'hq', nowMs: Date.now() }),
    ...{ nodeName: 'hq', records, peers, invites, listen: ['/ip4/127.0.0.1/tcp/0'], mdns: false, relayServer: false },
    ...{ clock: systemClock, logger: silentLogger, random: seededRandom(1) },
  });
  await mesh.start();
  stack.use(mesh);
  roles = new Map([[mesh.nodeId, 'admin']]);
  policy = { current: undefined, changes: new Emitter<void>() };
  const access = {
    ...{ changes: policy.changes, roleOf: (nodeId: NodeId) => roles.get(nodeId) },
    get current() {
      return policy.current;
    },
  };
  deprecations = stack.use(new Deprecations({ mesh, access }));
});
afterEach(async () => {
  await stack.disposeAsync();
  rmSync(folder, { recursive: true, force: true });
});

test('a version is deprecated for its reason, and no longer, by the newest word', () => {
  let changes = 0;
  deprecations.changes.on(() => {
    changes += 1;
  });
  deprecations.publish(MODEL, '1.0.0', { deprecated: true, reason: 'drifts' });
  expect(deprecations.of(MODEL, '1.0.0')).toMatchObject({ reason: 'drifts', by: mesh.nodeId });
  expect(deprecations.of(MODEL, '1.0.1')).toBeUndefined();
  expect(deprecations.list()).toHaveLength(1);
  deprecations.publish(MODEL, '1.0.0', { deprecated: false, reason: '' });
  expect(deprecations.list()).toEqual([]);
  expect(changes).toBeGreaterThan(0);
});

test('the word of one who may not write the model, or not any more, is as if it were not there', () => {
  deprecations.publish(MODEL, '1.0.0', { deprecated: true, reason: '' });
  policy.current = { type: 'model_access', models: { [MODEL]: { write: ['publisher'] } } } as ModelAccess;
  policy.changes.emit();
  expect(deprecations.list()).toEqual([]);
  expect(() => deprecations.publish(MODEL, '1.0.0', { deprecated: false, reason: '' })).toThrow(
    expect.objectContaining({ code: 'not_permitted' }),
  );
  policy.current = undefined;
  policy.changes.emit();
  expect(deprecations.list()).toHaveLength(1);
  roles.clear();
  policy.changes.emit();
  expect(deprecations.list()).toEqual([]);
});

test('a word under the key of another version is nobody’s', () => {
  const payload = { type: 'model_deprecated', model_id: MODEL, version: '2.0.0' };
  mesh.publish({ kind: 'deprecation', key: deprecationKey(MODEL, '1.0.0'), payload, ttlMs: 60_000 });
  expect(deprecations.list()).toEqual([]);
});

test.each(
  vectorCases<{ name: string; model_id: string; version: string; key: string }>('registry', 'deprecation-keys.json'),
)('deprecationKey() of %s', (_, { model_id, version, key }) => {
  expect(deprecationKey(model_id, version)).toBe(key);
});
