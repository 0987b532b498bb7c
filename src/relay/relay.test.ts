import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { TLSSocket } from 'node:tls';
import { describe, expect, onTestFinished, test } from 'vitest';
import { MiB } from '../core/index.ts';
import { nextTurn } from '../testkit/eventually.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { ControlClient } from './control-client.ts';
import type { UsageOfDay } from './ports.ts';
import { makeToken, toPreamble } from './preamble.ts';
import {
  dialThrough,
  makeMember,
  makeMesh,
  NEVER,
  openDialer,
  openFlippingProxy,
  openHolder,
  openTcp,
  openTestRelay,
  openWay,
  readAll,
  type TestMember,
  untilClosed,
  untilStats,
} from './relay.fixture.ts';
import { formatRelayAddress } from './relay-address.ts';

const mesh = makeMesh();
const relayNode = await makeMember(mesh, 'relay');
const holder = await makeMember(mesh, 'holder');
const asker = await makeMember(mesh, 'asker');
const other = await makeMember(mesh, 'other');
const stranger = await makeMember(makeMesh('elsewhere'), 'stranger');

/** Time passes only when every socket of this process has had its say: a busy machine changes nothing. */
function letPass(clock: VirtualClock): () => void {
  let isOver = false;
  const tick = async (): Promise<void> => {
    while (!isOver) {
      for (let turn = 0; turn < TURNS_A_TICK; turn += 1) await nextTurn();
      await clock.advance(TICK_MS);
    }
  };
  void tick();
  return () => {
    isOver = true;
  };
}

const TICK_MS = 4;
const TURNS_A_TICK = 10;

const echo = (socket: TLSSocket): void => void socket.on('error', () => {}).pipe(socket);
const codeOf = async (work: Promise<unknown>): Promise<unknown> => {
  const thrown = await work.then(
    () => new Error('it did not fail'),
    (reason: unknown) => reason,
  );
  return (thrown as { code?: string }).code ?? thrown;
};

describe('a pair', () => {
  test('carries bytes both ways, TLS end to end, ends each direction for itself, and is counted', async () => {
    const relay = await openTestRelay(relayNode);
    await openHolder(holder, relay, echo);
    const socket = await dialThrough(openDialer(asker), asker, relay, holder.nodeId);
    expect(relay.stats()).toMatchObject({ pairs: 1, holders: 1, controlConnections: 2 });
    const sent = Buffer.alloc(3 * MiB, createHash('sha512').update('what is sent').digest());
    const received = readAll(socket);
    socket.end(sent);
    const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
    expect(hash(await received)).toBe(hash(sent));
    const { totalBytes, memberBytes } = relay.stats();
    expect(totalBytes).toBeGreaterThan(2 * sent.length);
    expect([...memberBytes]).toEqual([[asker.nodeId, totalBytes]]);
  });

  test('a holder that breaks breaks the asker’s side', async () => {
    const relay = await openTestRelay(relayNode);
    await openHolder(holder, relay, (socket) => void setImmediate(() => socket.destroy()));
    const socket = await dialThrough(openDialer(asker), asker, relay, holder.nodeId);
    await untilClosed(socket);
    expect(socket.destroyed).toBe(true);
  });

  test('an asker that does not read holds up its holder, and the relay keeps little', async () => {
    const relay = await openTestRelay(relayNode);
    let sent = 0;
    const heldUp = Promise.withResolvers<void>();
    const pour = (socket: TLSSocket): void => {
      const block = Buffer.alloc(MiB);
      const more = (): void => {
        while (!socket.destroyed && sent < 256 * MiB) {
          sent += block.length;
          if (!socket.write(block)) return;
        }
      };
      socket.on('drain', more).on('error', () => {});
      socket.setTimeout(200, () => heldUp.resolve());
      more();
    };
    await openHolder(holder, relay, pour);
    const socket = await dialThrough(openDialer(asker), asker, relay, holder.nodeId);
    socket.pause();
    await heldUp.promise;
    const passed = relay.stats().totalBytes;
    expect(sent).toBeLessThan(64 * MiB);
    socket.resume();
    await untilStats(relay, ({ totalBytes }) => totalBytes > passed + 64 * MiB);
  });

  test('one on which nothing moves ends', async () => {
    const relay = await openTestRelay(relayNode, { limits: { pairIdleMs: 80 } });
    await openHolder(holder, relay, echo);
    const socket = await dialThrough(openDialer(asker), asker, relay, holder.nodeId);
    await untilClosed(socket);
    await untilStats(relay, ({ refused, pairs }) => refused.get('idle') === 1 && pairs === 0);
  });

  test('two members share the rate evenly, however many connections one of them has', async () => {
    const clock = new VirtualClock();
    const relay = await openTestRelay(relayNode, { rateBytesPerSecond: 8 * MiB, clock });
    onTestFinished(letPass(clock));
    await openHolder(holder, relay, (socket) => {
      const block = Buffer.alloc(MiB);
      const more = (): void => {
        while (!socket.destroyed && socket.write(block));
      };
      socket.on('drain', more).on('error', () => {});
      more();
    });
    const drain = async (member: TestMember, count: number): Promise<void> => {
      const dialer = openDialer(member);
      for (let index = 0; index < count; index += 1) (await dialThrough(dialer, member, relay, holder.nodeId)).resume();
    };
    await drain(asker, 6);
    await drain(other, 1);
    const bytesOf = (member: TestMember): number => relay.stats().memberBytes.get(member.nodeId) ?? 0;
    const before = [bytesOf(asker), bytesOf(other)];
    await untilStats(relay, ({ totalBytes }) => totalBytes >= 14 * MiB);
    const [greedy = 0, modest = 0] = [bytesOf(asker) - (before[0] ?? 0), bytesOf(other) - (before[1] ?? 0)];
    expect(modest / greedy).toBeGreaterThan(0.6);
  });
});

describe('a relay that changes bytes', () => {
  test.each([0, 5_000])('ends TLS, after %i bytes of the answer', async (from) => {
    const relay = await openTestRelay(relayNode);
    await openHolder(holder, relay, (socket) => void socket.on('error', () => {}).end(Buffer.alloc(100_000)));
    const way = await openDialer(asker).open(formatRelayAddress(relay.address), holder.nodeId, NEVER);
    const socket = openWay({ ...way, port: await openFlippingProxy(relay, from) }, asker);
    const broken = once(socket, 'error').catch((thrown: unknown) => [thrown]);
    const [error] = await Promise.race([broken, readAll(socket).then((bytes) => [bytes])]);
    expect(error).toBeInstanceOf(Error);
    expect((error as { code: string }).code).toMatch(/^ERR_SSL/);
  });
});

describe('who may', () => {
  test('a node of another mesh is refused before a frame is read, as holder and as asker', async () => {
    const relay = await openTestRelay(relayNode);
    // It takes any relay, so that it is the relay that refuses.
    const blind = { ...stranger, verifyMember: () => ({ nodeId: relayNode.nodeId, role: 'member' }) };
    const client = await ControlClient.open(relay.address, blind, NEVER).catch((thrown: unknown) => thrown);
    const refusal = client instanceof ControlClient ? codeOf(client.register()) : codeOf(Promise.reject(client));
    expect(await refusal).toBe('relay_unreachable');
    expect(relay.stats()).toMatchObject({ controlConnections: 0, holders: 0 });
    expect(relay.stats().refused.get('not_member')).toBe(1);
  });

  test('a relay that is no member, or one of role edge, is not used', async () => {
    const foreign = await openTestRelay(stranger);
    const edge = await openTestRelay(await makeMember(mesh, 'camera', 'edge'));
    const dialer = openDialer(asker);
    for (const { address } of [foreign, edge])
      expect(await codeOf(dialer.open(formatRelayAddress(address), holder.nodeId, NEVER))).toBe('relay_not_trusted');
  });

  test('a member that is put out loses all it has', async () => {
    const relay = await openTestRelay(relayNode);
    await openHolder(holder, relay, echo);
    const socket = await dialThrough(openDialer(asker), asker, relay, holder.nodeId);
    relay.disconnectMember(asker.nodeId);
    await untilClosed(socket);
    await untilStats(relay, ({ controlConnections, pairs }) => controlConnections === 1 && pairs === 0);
  });

  test('who holds nothing here cannot be reached', async () => {
    const relay = await openTestRelay(relayNode);
    expect(await codeOf(openDialer(asker).open(formatRelayAddress(relay.address), holder.nodeId, NEVER))).toBe(
      'not_registered',
    );
  });
});

describe('quotas and bounds', () => {
  test('a quota that is used up cuts the pair and refuses the next, also after a restart', async () => {
    const box: { usage?: UsageOfDay } = {};
    const usage = { load: () => box.usage, save: (kept: UsageOfDay) => void Object.assign(box, { usage: kept }) };
    const relay = await openTestRelay(relayNode, { quotaBytesPerDay: MiB, usage });
    await openHolder(holder, relay, echo);
    const dialer = openDialer(asker);
    const socket = await dialThrough(dialer, asker, relay, holder.nodeId);
    socket.write(Buffer.alloc(2 * MiB));
    await untilClosed(socket);
    expect(await codeOf(dialer.open(formatRelayAddress(relay.address), holder.nodeId, NEVER))).toBe('over_quota');
    await relay.close();
    const again = await openTestRelay(relayNode, { quotaBytesPerDay: MiB, usage });
    await openHolder(holder, again, echo);
    expect(await codeOf(openDialer(asker).open(formatRelayAddress(again.address), holder.nodeId, NEVER))).toBe(
      'over_quota',
    );
    expect(await (await dialThrough(openDialer(other), other, again, holder.nodeId)).destroy().destroyed).toBe(true);
  });

  test('pairs of a member are counted, and given back', async () => {
    const relay = await openTestRelay(relayNode, { limits: { pairsPerMember: 2 } });
    await openHolder(holder, relay, echo);
    const dialer = openDialer(asker);
    const sockets = [await dialThrough(dialer, asker, relay, holder.nodeId)];
    sockets.push(await dialThrough(dialer, asker, relay, holder.nodeId));
    const address = formatRelayAddress(relay.address);
    expect(await codeOf(dialer.open(address, holder.nodeId, NEVER))).toBe('busy');
    sockets[0]?.destroy();
    await untilStats(relay, ({ pairs }) => pairs === 1);
    expect(await dialer.open(address, holder.nodeId, NEVER)).toMatchObject({ port: relay.address.port });
  });

  test('a token is good once, for its side only, and not for long', async () => {
    const relay = await openTestRelay(relayNode, { limits: { tokenMs: 300 } });
    await openHolder(holder, relay, echo);
    const dialer = openDialer(asker);
    const way = await dialer.open(formatRelayAddress(relay.address), holder.nodeId, NEVER);
    const asHolder = await openTcp(relay);
    asHolder.write(toPreamble(way.servername.slice(0, 32) as ReturnType<typeof makeToken>));
    await untilClosed(asHolder);
    const first = openWay(way, asker);
    await once(first, 'secureConnect');
    const second = openWay(way, asker);
    await untilClosed(second);
    const late = await dialer.open(formatRelayAddress(relay.address), holder.nodeId, NEVER);
    await untilStats(relay, ({ refused }) => refused.has('pair_incomplete'));
    await untilClosed(openWay(late, asker));
    expect(relay.stats().refused.get('token')).toBe(3);
  });

  test('connections that say nothing, nonsense, or what is not theirs are closed', async () => {
    const relay = await openTestRelay(relayNode, { limits: { firstBytesMs: 150, undecidedPerAddress: 4 } });
    const silent = await openTcp(relay);
    const http = await openTcp(relay);
    http.write('GET / HTTP/1.1\r\n\r\n');
    const unknown = await openTcp(relay);
    unknown.write(toPreamble(makeToken()));
    for (const socket of [http, unknown, silent]) await untilClosed(socket);
    expect(relay.stats().refused).toEqual(
      new Map([
        ['first_bytes', 1],
        ['token', 1],
        ['late', 1],
      ]),
    );
    const crowd = await Promise.all(Array.from({ length: 5 }, () => openTcp(relay)));
    await untilClosed(crowd.at(-1) as never);
    expect(relay.stats().refused.get('undecided')).toBe(1);
  });

  test('a client that sends what is no frame is told so, and closed', async () => {
    const relay = await openTestRelay(relayNode);
    for (const bytes of ['\0\0\0\x02[]', '\0\0\0\x05{"a":', '\x7f\xff\xff\xff']) {
      const socket = openWay({ ...relay.address, servername: 'relay' }, asker, ['atmosphere-relay/1']);
      socket.write(Buffer.from(bytes, 'latin1'));
      expect((await readAll(socket)).toString()).toContain('"malformed"');
    }
  });

  test('a client that floods is told so, and closed', async () => {
    const relay = await openTestRelay(relayNode, { limits: { framesPerMinute: 3 } });
    const socket = openWay({ ...relay.address, servername: 'relay' }, asker, ['atmosphere-relay/1']);
    socket.write('\0\0\0\x0f{"type":"ping"}'.repeat(20));
    expect((await readAll(socket)).toString().match(/pong/g)).toHaveLength(3);
  });
});

describe('a holder’s link', () => {
  test('comes back by itself when the relay does', async () => {
    const relay = await openTestRelay(relayNode);
    await openHolder(holder, relay, echo, { reconnectMs: 20, maxReconnectMs: 100 });
    await relay.close();
    const again = await openTestRelay(relayNode, { port: relay.address.port });
    await untilStats(again, ({ holders }) => holders === 1);
    const socket = await dialThrough(openDialer(asker), asker, again, holder.nodeId);
    expect(socket.destroyed).toBe(false);
  });

  test('gives a relay up that does not answer its pings', async () => {
    const clock = new VirtualClock(Date.now());
    const relay = await openTestRelay(relayNode, { limits: { framesPerMinute: 2 } });
    const client = await ControlClient.open(relay.address, { ...holder, clock }, NEVER);
    await client.register();
    await clock.advance(20_000);
    expect(client.isOver).toBe(false);
    await relay.close();
    expect((await client.closed).code).toBe('relay_unreachable');
  });
});
