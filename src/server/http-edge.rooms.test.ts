import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { HaveBook } from './have/have-book.ts';
import { PartContent } from './have/part-content.fixture.ts';
import { openTestEdge, openTls, PEER_ID, selfSigned, until } from './http-edge.fixture.ts';
import { SERVER_LIMITS } from './limits.ts';

/** More than sockets and kernel take from a reader that does not read. */
const bytes = randomBytes(48_000_000);

test('of many members of a swarm few are answered; who is refused goes on with the same connection', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'atmosphere-rooms-'));
  const content = new PartContent(folder, bytes);
  content.become('all');
  const follows = new HaveBook(SERVER_LIMITS, new VirtualClock());
  for (const nodeId of [PEER_ID, 'x', 'y'] as NodeId[])
    follows.follow({
      sha256: content.sha256,
      sizeBytes: bytes.length,
      pieceBytes: 1000,
      nodeId,
      account: nodeId,
      onChange() {},
    });
  const identity = await selfSigned('peer');
  await using edge = await openTestEdge({ content, follows, tls: await selfSigned('server') });
  const ask = (socket: TLSSocket, last: number): void =>
    void socket.write(`GET /v1/blobs/${content.sha256} HTTP/1.1\r\nHost: a\r\nRange: bytes=0-${last}\r\n\r\n`);
  const slow: TLSSocket[] = [];
  for (let count = 0; count < PROTOCOL_LIMITS.uploadSlots; count += 1) {
    const socket = await openTls(edge.port, identity);
    ask(socket, bytes.length - 1);
    await new Promise((resolve) => socket.once('readable', resolve));
    slow.push(socket);
  }
  const late = await openTls(edge.port, identity);
  let heard = '';
  late.on('data', (chunk: Buffer) => {
    heard += chunk.toString('latin1');
  });
  ask(late, 9);
  ask(late, 9);
  await until(() => heard.split('no_upload_room').length - 1 >= 4);
  const [head = '', body = ''] = heard.split('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 429 /);
  expect(head.toLowerCase()).toMatch(/\r\nretry-after: 1\r\n/);
  expect(head.toLowerCase()).toMatch(/\r\nretry-after-ms: 300\r\n/);
  expect(head.toLowerCase()).not.toMatch(/transfer-encoding|connection: close/);
  const length = Number(/content-length: (\d+)/i.exec(head)?.[1]);
  expect(body.slice(length)).toMatch(/^HTTP\/1\.1 429 /);
  slow[0]?.destroy();
  // The place comes back when the server has seen the other go.
  for (let asked = 3; !heard.includes('HTTP/1.1 206'); asked += 1) {
    ask(late, 9);
    await until(() => heard.split(/HTTP\/1\.1 (?:429|206) /).length - 1 >= asked);
  }
  for (const socket of [...slow, late]) socket.destroy();
  follows[Symbol.dispose]();
  await rm(folder, { recursive: true });
});
