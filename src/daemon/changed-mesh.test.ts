/** A node that is in another mesh now owes nothing to the members of the old one. Spec: docs/spec/05-http.md §5. */
import { once } from 'node:events';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { makeTlsIdentity, openIdentity } from '../trust/index.ts';
import { AtmosphereNode } from './atmosphere-node.ts';
import { makeFolder } from './tiny-model.fixture.ts';

async function startNode(folder: string, name: string): Promise<AtmosphereNode> {
  const ports = { httpHost: '127.0.0.1', httpPort: 0, meshPort: 0, agentPort: 0 };
  const home = join(folder, name);
  const node = new AtmosphereNode({ ...ports, home, name, mdns: false, scanDefaults: false });
  onTestFinished(() => node[Symbol.asyncDispose]());
  await node.start();
  return node;
}

test('connections of the old mesh end when a node joins another', async () => {
  const folder = makeFolder();
  onTestFinished(() => folder[Symbol.dispose]());
  const [first, mover, second] = await Promise.all(
    ['first', 'mover', 'second'].map((name) => startNode(folder.path, name)),
  );
  if (first === undefined || mover === undefined || second === undefined) throw new Error('three were started');
  await mover.join((await first.invite()).code);
  const own = openIdentity(join(folder.path, 'first'), { nodeName: 'first', nowMs: Date.now() });
  const port = Number(new URL(mover.ready.http).port);
  const identity = await makeTlsIdentity(own, Date.now());
  const socket = connectTls({ host: '127.0.0.1', port, ...identity, rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  socket.on('error', () => {});
  socket.write(`GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('HTTP/1.1 200');
  const closed = once(socket, 'close');
  socket.resume();
  await mover.join((await second.invite()).code);
  await closed;
});
