import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MiB, type RequestId } from '../../core/index.ts';
import { ModelCatalog } from '../../registry/index.ts';
import {
  type HostileHttpServer,
  nothing,
  rangeHead,
  startHostileHttpServer,
  type TestBlob,
  wrongBytes,
} from '../../testkit/hostile-http-server.ts';
import { oneFile } from '../pull/pulling.fixture.ts';
import type { DownloadState } from './download-states.ts';
import { ModelTransferService, type ModelTransferServiceOptions } from './model-transfer-service.ts';

const model = oneFile('org/tiny', randomBytes(5 * MiB));
const [blob] = model.blobs as [TestBlob];

let stack: AsyncDisposableStack;
let folder: string;
let catalog: ModelCatalog;

beforeEach(() => {
  stack = new AsyncDisposableStack();
  folder = mkdtempSync(join(tmpdir(), 'transfers-'));
  stack.defer(() => rmSync(folder, { recursive: true, force: true }));
  catalog = new ModelCatalog();
  stack.defer(() => catalog.close());
});
afterEach(() => stack.disposeAsync());

function open(options: Partial<ModelTransferServiceOptions> = {}): ModelTransferService {
  return stack.use(new ModelTransferService({ catalog, folder: join(folder, 'models'), ...options }));
}

async function serve(of: TestBlob = blob): Promise<HostileHttpServer> {
  return stack.use(await startHostileHttpServer(of));
}

/** A whole catalog, as another implementation would send it. */
function hear(nodeId: string, http: string, entries: readonly object[] = [model.entry]): void {
  const message = { type: 'model_catalog', node_id: nodeId, node_name: nodeId, timestamp: 1, models: entries };
  catalog.processCatalogMessage(nodeId, nodeId, { ...message, transfer_endpoints: { http, websocket: false } });
}

test('a constructor opens nothing', () => {
  open();
  expect(() => readFileSync(join(folder, 'models', 'run', 'pid'))).toThrow();
});

test('downloadModel() gets a model, with its states to watch', async () => {
  hear('peer', (await serve()).url);
  const service = open();
  const seen: string[] = [];
  service.downloadStates.on((states) => seen.push(states.get('org/tiny')?.state ?? 'none'));
  const end = await service.finished(await service.downloadModel('org/tiny'));
  if (end.state !== 'Completed') throw new Error(JSON.stringify(end));
  expect(readFileSync(end.storagePath).equals(blob.content)).toBe(true);
  expect(end.progress).toMatchObject({ progressPercent: 100, bytesDownloaded: 5 * MiB, totalBytes: 5 * MiB });
  expect([...new Set(seen)].filter((state) => state !== 'Verifying')).toEqual(['Pending', 'Downloading', 'Completed']);
  expect(service.downloadStates.get('org/tiny')).toEqual(end);
});

test('the last part of an id is enough where only one has it', async () => {
  hear('peer', (await serve()).url);
  const service = open();
  expect(await service.finished(await service.downloadModel('tiny'))).toMatchObject({ modelId: 'org/tiny' });
});

test('a model that is here moves nothing, after a restart too', async () => {
  const server = await serve();
  hear('peer', server.url);
  const first = open();
  await first.finished(await first.downloadModel('org/tiny'));
  await first.close();
  const requests = server.requests.length;
  const second = open();
  expect(await second.finished(await second.downloadModel('org/tiny'))).toMatchObject({ state: 'Completed' });
  expect(server.requests.length).toBe(requests);
});

describe('who is asked', () => {
  test('the preferred node first', async () => {
    const small = oneFile('org/small', randomBytes(1000));
    const [body] = small.blobs as [TestBlob];
    const [a, b] = [await serve(body), await serve(body)];
    hear('a', a.url, [small.entry]);
    hear('b', b.url, [small.entry]);
    const service = open();
    await service.finished(await service.downloadModel('org/small', { preferredNodeId: 'b' }));
    expect([a.requests.length, b.requests.length]).toEqual([0, 1]);
  });

  test('nobody over plain HTTP beyond loopback', async () => {
    hear('peer', 'http://192.0.2.1:14345');
    const service = open();
    expect(await service.finished(await service.downloadModel('org/tiny'))).toMatchObject({
      state: 'Failed',
      code: 'holder_offline',
      kind: 'unreachable',
    });
  });

  test('anybody over plain HTTP where its user allows it', async () => {
    hear('peer', 'http://192.0.2.1:14345');
    const service = open({ allowPlainHttp: true });
    const requestId = await service.downloadModel('org/tiny');
    expect(service.downloadStates.get('org/tiny')).toMatchObject({ state: 'Pending' });
    service.cancelDownload(requestId);
    expect(await service.finished(requestId)).toMatchObject({ state: 'Cancelled' });
  });

  test('nobody over https without credentials', async () => {
    hear('peer', 'https://127.0.0.1:1');
    const service = open();
    expect(await service.finished(await service.downloadModel('org/tiny'))).toMatchObject({ code: 'holder_offline' });
  });
});

describe('what is refused', () => {
  test('a model that nobody named', async () => {
    await expect(open().downloadModel('org/none')).rejects.toMatchObject({ code: 'model_not_found' });
  });

  test('two contents of one name', async () => {
    hear('a', 'http://127.0.0.1:1');
    hear('b', 'http://127.0.0.1:2', [oneFile('org/tiny', Buffer.from('other')).entry]);
    await expect(open().downloadModel('org/tiny')).rejects.toMatchObject({ code: 'model_ambiguous' });
  });

  test('an entry of another implementation, which names no piece root', async () => {
    const server = await serve();
    const { piece_root, ...entry } = model.entry;
    hear('peer', server.url, [entry]);
    const service = open();
    expect(await service.finished(await service.downloadModel('org/tiny'))).toMatchObject({
      state: 'Failed',
      code: 'no_piece_root',
      reason: expect.stringContaining('piece root'),
    });
    expect(server.requests).toEqual([]);
  });

  test('wrong bytes, and the peer that sent them is left out next time', async () => {
    const server = await serve();
    server.behave(wrongBytes);
    hear('peer', server.url);
    const service = open();
    expect(await service.finished(await service.downloadModel('org/tiny'))).toMatchObject({ state: 'Failed' });
    const end = await service.finished(await service.downloadModel('org/tiny'));
    expect(end).toMatchObject({ state: 'Failed', code: 'holder_offline' });
  });

  test('a folder that another service uses', async () => {
    hear('peer', (await serve()).url);
    await open().start();
    await expect(open().start()).rejects.toMatchObject({ code: 'home_in_use' });
  });
});

describe('cancelling', () => {
  test('cancelDownload() stops one, and says whether there was one', async () => {
    const server = await serve();
    server.behave(nothing);
    hear('peer', server.url);
    const service = open();
    const requestId = await service.downloadModel('org/tiny');
    expect(service.cancelDownload(requestId)).toBe(true);
    expect(await service.finished(requestId)).toMatchObject({ state: 'Cancelled', requestId });
    expect([service.cancelDownload(requestId), service.cancelDownload('none' as RequestId)]).toEqual([false, false]);
  });

  test('cancelDownloadByModelId() stops that model and no other', async () => {
    const server = await serve();
    server.behave(nothing);
    const other = oneFile('org/other', randomBytes(100));
    const [body] = other.blobs as [TestBlob];
    hear('peer', server.url);
    hear('second', (await serve(body)).url, [other.entry]);
    const service = open();
    const [one, two] = [await service.downloadModel('org/tiny'), await service.downloadModel('org/other')];
    expect(service.cancelDownloadByModelId('org/tiny')).toBe(1);
    expect(await service.finished(one)).toMatchObject({ state: 'Cancelled' });
    expect(await service.finished(two)).toMatchObject({ state: 'Completed' });
  });
});

test('close() interrupts; the next service on the folder goes on with what arrived', async () => {
  const server = await serve();
  // The first piece comes, and then nothing more.
  server.behave((request, socket) => {
    socket.write(rangeHead(request, blob));
    socket.write(blob.content.subarray(request.start, request.start + MiB));
  });
  hear('peer', server.url);
  const first = open();
  const arrived = new Promise<void>((resolve) => {
    first.downloadStates.on((states) => {
      if ((states.get('org/tiny')?.progress.bytesDownloaded ?? 0) > 0) resolve();
    });
  });
  const requestId = await first.downloadModel('org/tiny');
  await arrived;
  await first.close();

  const honest = await serve();
  catalog.removeNode('peer' as never);
  hear('other', honest.url);
  const second = open();
  const completed = whenState(second, 'Completed');
  await second.start();
  expect(second.downloadStates.get('org/tiny')).toMatchObject({ requestId });
  expect(await completed).toMatchObject({ requestId, state: 'Completed' });
  expect(honest.requests.every(({ start }) => start >= MiB)).toBe(true);
  expect(honest.requests.length).toBeGreaterThan(0);
});

function whenState(service: ModelTransferService, wanted: DownloadState['state']): Promise<DownloadState> {
  return new Promise((resolve) => {
    service.downloadStates.on((states) => {
      for (const state of states.values()) if (state.state === wanted) resolve(state);
    });
  });
}
