/** What a running node says of its relays, limits and mirrors. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { silentLogger } from '../core/index.ts';
import { eventually, nextTurn } from '../testkit/eventually.ts';
import { openProgram } from './daemon.ts';
import { makeFolder } from './tiny-model.fixture.ts';

const abort = new AbortController().signal;
const nothing = { params: {}, query: {}, body: {} };

test('status and doctor tell the relays with what is wrong, the limits in force, and the mirrors', async () => {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(makeFolder());
  const common = { ...{ httpHost: '127.0.0.1', httpPort: 0, meshPort: 0, agentPort: 0 }, mdns: false, openLan: false };
  const config = {
    ...{ ...common, loopbackHttp: true, relayServer: false, modelFolders: [], scanDefaults: false },
    ...{ home: join(path, 'one'), name: 'one', logLevel: 'silent' as const },
    ...{ spliceRelay: { port: 0, host: '127.0.0.1' }, relays: ['127.0.0.1:1'], wsRelays: ['127.0.0.1:1'] },
    mirrors: ['https://nas.lan/{sha256}'],
  };
  const { daemon, node } = await openProgram(config, silentLogger);
  stack.defer(() => daemon.stop());
  const { status, doctor, limitsChange } = node.control;
  await limitsChange({ ...nothing, body: { upload: '5Mbps', clear: false } }, abort);
  await eventually(nextTurn, () => node.relaying.linkStates().every(({ why }) => why.includes('ECONNREFUSED')));
  expect(await status(nothing, abort)).toMatchObject({
    limits: { profile: 'custom', download: 'unlimited', upload: '5Mbps', by_size: false, until: null },
    relays: [
      { address: '127.0.0.1:1', kind: 'splice', up: false, why: expect.stringContaining('ECONNREFUSED') },
      { address: '127.0.0.1:1', kind: 'websocket', up: false, why: expect.stringContaining('ECONNREFUSED') },
    ],
    relay: { address: daemon.ready.relay, holders: 0, pairs: 0, bytes: 0 },
    mirrors: ['https://nas.lan/{sha256}'],
    problems: expect.arrayContaining([
      expect.stringMatching(/^relay 127\.0\.0\.1:1: .* through it: /),
      expect.stringContaining('through its WebSockets: '),
    ]),
  });
  const { checks } = await doctor(nothing, abort);
  expect(checks).toContainEqual({ name: 'limits', state: 'ok', detail: 'custom: download unlimited, upload 5Mbps' });
});
