/** A model signed on one node, checked on another, and by a key that is nobody's here. Spec: docs/spec/20-access.md §8. */
import { createPublicKey, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DAEMON_DEFAULTS } from '../api/index.ts';
import { silentLogger } from '../core/index.ts';
import { openProgram } from './daemon.ts';
import { makeFolder, writeModel } from './tiny-model.fixture.ts';

const stack = new AsyncDisposableStack();
const ask = { query: {}, body: {}, params: {} };
const none = () => new AbortController().signal;
let folder: string;
let node: Awaited<ReturnType<typeof openProgram>>['node'];

beforeAll(async () => {
  folder = stack.use(makeFolder()).path;
  const ports = { httpHost: '127.0.0.1', httpPort: 0, meshPort: 0, agentPort: 0, mdns: false, scanDefaults: false };
  const program = await openProgram(
    { ...DAEMON_DEFAULTS, ...ports, home: join(folder, 'home'), name: 'a' },
    silentLogger,
  );
  stack.defer(() => program.daemon.stop());
  node = program.node;
  for (const name of ['one', 'two']) {
    const path = writeModel(join(folder, name, 'm.safetensors'), randomBytes(1000));
    const body = { path, name: `org/${name}` };
    for await (const _event of node.control.modelImport({ ...ask, body }, none()));
  }
});
afterAll(() => stack.disposeAsync());

async function sign(id: string): Promise<{ path: string; key: string }> {
  const { bundle, public_key } = await node.control.bundleMake({ ...ask, body: { id } }, none());
  const [path, key] = [join(folder, `${id.replace('/', '-')}.sig`), join(folder, 'key.pem')];
  writeFileSync(path, bundle);
  writeFileSync(key, createPublicKey(public_key).export({ format: 'pem', type: 'spki' }));
  return { path, key };
}

const check = (id: string, bundle: string, key?: string) =>
  node.control.bundleVerify({ ...ask, body: { id, bundle, ...(key === undefined ? {} : { key }) } }, none());

test('a bundle of a member is checked by the member’s key, and says who it is and whether it may write', async () => {
  const { path, key } = await sign('org/one');
  const { nodeId } = node.parts.mesh;
  const signer = { node_id: nodeId, name: 'a', role: 'admin', may_write: true };
  expect(await check('org/one', path)).toMatchObject({
    ok: true,
    signed_name: 'org/one',
    files: 1,
    differences: [],
    signer,
  });
  expect(await check('org/one', path, key)).toMatchObject({ ok: true, signer });
});

test('a model whose files are others than were signed is not what the bundle says', async () => {
  const { path } = await sign('org/one');
  const differences = [{ path: 'm.safetensors', what: 'changed' }];
  expect(await check('org/two', path)).toMatchObject({ ok: false, differences });
});

test.each([
  ['a bundle that is not there', 'gone.sig', undefined],
  ['a key that is none', 'org-one.sig', 'org-one.sig'],
])('%s is told by its path', async (_what, bundle, key) => {
  await sign('org/one');
  const asked = check('org/one', join(folder, bundle), key === undefined ? undefined : join(folder, key));
  await expect(asked).rejects.toMatchObject({ code: 'bundle_unreadable', kind: 'usage' });
});

test('a bundle that somebody changed is refused', async () => {
  const { path } = await sign('org/one');
  const { bundle } = await node.control.bundleMake({ ...ask, body: { id: 'org/one' } }, none());
  const payload = Buffer.from(JSON.parse(bundle).dsseEnvelope.payload, 'base64')
    .toString()
    .replace('org/one', 'org/two');
  const changed = JSON.parse(bundle);
  changed.dsseEnvelope.payload = Buffer.from(payload).toString('base64');
  writeFileSync(path, JSON.stringify(changed));
  await expect(check('org/one', path)).rejects.toMatchObject({
    code: 'bundle_refused',
    data: { reason: 'bad_signature' },
  });
});
