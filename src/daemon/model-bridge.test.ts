import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseCatalogMessage } from '../protocol/index.ts';
import type { ModelBridgeOptions } from './bridge-options.ts';
import { type BridgeCatalogMessage, ModelBridge } from './model-bridge.ts';
import { makeFolder, writeModel } from './tiny-model.fixture.ts';

const tensor = randomBytes(50_000);

let stack: AsyncDisposableStack;
let folder: string;

beforeEach(() => {
  stack = new AsyncDisposableStack();
  folder = stack.use(makeFolder()).path;
});
afterEach(() => stack.disposeAsync());

function make(options: ModelBridgeOptions = {}): ModelBridge {
  const nowhere = { llamafarmModelsDir: false, huggingfaceCacheDir: false, ollamaDir: false } as const;
  const own = { folders: [join(folder, 'models')], httpPort: 0, home: join(folder, 'home'), nodeName: 'Bridge' };
  return stack.use(new ModelBridge({ ...nowhere, ...own, ...options }));
}

function whenTold(bridge: ModelBridge, isWanted: (message: BridgeCatalogMessage) => boolean) {
  return new Promise<BridgeCatalogMessage>((resolve) => {
    const stop = bridge.onCatalog((message) => {
      if (!isWanted(message)) return;
      stop();
      resolve(message);
    });
  });
}

/** A new file may still be written to, which is waited for. */
const LONG_AGO = new Date('2026-02-02T12:00:00Z');

/** One that runs and has read the model that lies there. */
async function serving(options: ModelBridgeOptions = {}): Promise<ModelBridge> {
  utimesSync(writeModel(join(folder, 'models', 'tiny.safetensors'), tensor), LONG_AGO, LONG_AGO);
  const bridge = make(options);
  const told = whenTold(bridge, ({ models }) => models.length === 1);
  await bridge.start();
  await told;
  return bridge;
}

test('serves what lies there, in place, by the routes of the spec', async () => {
  const bridge = await serving();
  const { url, httpPort, ...stats } = bridge.getStats();
  const file = readFileSync(join(folder, 'models', 'tiny.safetensors'));
  expect(stats).toMatchObject({ totalModels: 1, totalSizeBytes: file.length, totalSizeGb: file.length / 1e9 });
  expect(stats.hashing).toEqual({ filesLeft: 0, bytesLeft: 0 });
  const sha256 = createHash('sha256').update(file).digest('hex');
  const ask = (path: string, headers = {}) => fetch(`${url}${path}`, { headers });

  expect(await (await ask('/health')).json()).toEqual({ status: 'ok', models_available: 1, http_port: httpPort });
  expect(await (await ask('/v1/models')).json()).toMatchObject({ data: [{ id: 'tiny' }], models: [{ sha256 }] });
  expect(await (await ask('/v1/models/tiny')).json()).toMatchObject({ model_id: 'tiny', sha256 });
  const part = await ask('/v1/models/download/tiny', { range: 'bytes=-10' });
  expect([part.status, part.headers.get('etag')]).toEqual([206, `"${sha256}"`]);
  expect(Buffer.from(await part.arrayBuffer()).equals(file.subarray(-10))).toBe(true);
  expect(Buffer.from(await (await ask(`/v1/blobs/${sha256}`)).arrayBuffer()).equals(file)).toBe(true);
  expect((await ask(`/v1/blobs/${sha256}/pieces`)).status).toBe(200);
  expect((await ask('/v1/models/none')).status).toBe(404);
});

test('has no control API', async () => {
  const bridge = make();
  await bridge.start();
  const answer = await fetch(`${bridge.getStats().url}/api/v1/status`, { headers: { authorization: 'Bearer ' } });
  expect([403, 404]).toContain(answer.status);
  expect((await fetch(`${bridge.getStats().url}/api/v1/shutdown`, { method: 'POST' })).ok).toBe(false);
});

test('tells a catalog that others can read: verified models, where they are, for how long', async () => {
  const bridge = await serving({ nodeId: 'bridge-1' });
  const message = bridge.catalogMessage();
  const parsed = parseCatalogMessage(JSON.parse(JSON.stringify(message)));
  expect(parsed).toMatchObject({ node_id: 'bridge-1', node_name: 'Bridge', dropped: [], ttl_seconds: 300 });
  expect(parsed.models).toEqual([expect.objectContaining({ model_id: 'tiny', piece_root: expect.any(String) })]);
  expect(message.transfer_endpoints).toEqual({ http: bridge.getStats().url, websocket: false });
});

test('tells again when a model goes', async () => {
  const bridge = await serving();
  const told = whenTold(bridge, ({ models }) => models.length === 0);
  rmSync(join(folder, 'models', 'tiny.safetensors'));
  await told;
  expect(bridge.getStats().totalModels).toBe(0);
});

test('tells each interval, changed or not', async () => {
  const bridge = make({ gossipInterval: 0.05 });
  let count = 0;
  const thrice = new Promise<void>((resolve) => {
    bridge.onCatalog(() => {
      count += 1;
      if (count === 3) resolve();
    });
  });
  await bridge.start();
  await thrice;
});

describe('its life', () => {
  test('a constructor opens nothing, and a stopped one answers nothing', async () => {
    const bridge = make();
    expect(() => bridge.getStats()).toThrowError(expect.objectContaining({ code: 'not_started', kind: 'usage' }));
    await bridge.stop();
    await bridge.start();
    const { url } = bridge.getStats();
    await bridge.stop();
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    expect(() => bridge.catalogMessage()).toThrowError(expect.objectContaining({ code: 'not_started' }));
  });

  test('it may start again, keeps its made-up id, and reads no file twice', async () => {
    const bridge = await serving();
    const { nodeId } = bridge.getStats();
    await bridge.stop();
    await bridge.start();
    expect(bridge.getStats()).toMatchObject({ nodeId, totalModels: 1, hashing: { filesLeft: 0 } });
    expect(nodeId).toMatch(/^bridge-/);
  });

  test('starting twice is refused; the first goes on', async () => {
    const bridge = make();
    await bridge.start();
    await expect(bridge.start()).rejects.toMatchObject({ code: 'already_started' });
    expect(bridge.getStats().totalModels).toBe(0);
  });

  test('stop() during start() waits for it and leaves nothing open', async () => {
    const bridge = make();
    const starting = bridge.start();
    await bridge.stop();
    await starting;
    expect(() => bridge.getStats()).toThrowError(expect.objectContaining({ code: 'not_started' }));
    await make().start();
  });

  test('a taken port is said, and the folder is free again', async () => {
    const first = make();
    await first.start();
    const second = make({ httpPort: first.getStats().httpPort, home: join(folder, 'second') });
    await expect(second.start()).rejects.toMatchObject({ code: 'port_in_use' });
    const third = make({ home: join(folder, 'second') });
    await third.start();
  });

  test('one folder serves one bridge', async () => {
    await make().start();
    await expect(make().start()).rejects.toMatchObject({ code: 'home_in_use' });
  });
});
