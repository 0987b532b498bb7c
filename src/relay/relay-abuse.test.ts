/** What one who is nobody, or one member of many, can do to a relay. Spec: docs/spec/13-relay.md §2, §6. */
import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { readClientHello } from './client-hello.ts';
import { RELAY_LIMITS } from './limits.ts';
import {
  dialThrough,
  makeMember,
  makeMesh,
  NEVER,
  openDialer,
  openHolder,
  openTcp,
  openTestRelay,
  untilClosed,
  untilStats,
} from './relay.fixture.ts';
import { formatRelayAddress } from './relay-address.ts';

const mesh = makeMesh('abused relay');
const relayNode = await makeMember(mesh, 'relay');
const holder = await makeMember(mesh, 'holder');
const asker = await makeMember(mesh, 'asker');
const other = await makeMember(mesh, 'other');

test('a ClientHello in very many records is refused before it costs anything', () => {
  const message = Buffer.concat([Buffer.from([1, 0, 15, 160]), Buffer.alloc(2696, 1)]);
  const records = Buffer.concat([...message].map((byte) => Buffer.from([0x16, 3, 3, 0, 1, byte])));
  const states = [16, 17].map(
    (count) => readClientHello(records.subarray(0, count * 6), RELAY_LIMITS.helloBytes).state,
  );
  expect(states).toEqual(['more', 'bad']);
  expect(readClientHello(records, RELAY_LIMITS.helloBytes)).toEqual({
    state: 'bad',
    reason: 'the ClientHello comes in too many records',
  });
});

test('who begins a handshake and stops there takes a place among those that are not known yet', async () => {
  const limits = { undecidedPerAddress: 4, handshakeMs: 400 };
  const relay = await openTestRelay(relayNode, { limits });
  const [, real] =
    vectorCases<{ readonly name: string; readonly hex: string }>('relay', 'client-hello.json').at(1) ?? [];
  const stuck = await Promise.all(Array.from({ length: 4 }, () => openTcp(relay)));
  for (const socket of stuck) socket.write(Buffer.from(real?.hex ?? '', 'hex'));
  // The relay's part of the handshake: from here on only the client is waited for.
  await Promise.all(stuck.map((socket) => once(socket, 'data')));
  await untilClosed(await openTcp(relay));
  expect(relay.stats().refused.get('undecided')).toBe(1);
  await Promise.all(stuck.map(untilClosed));
  await openHolder(holder, relay, () => {}, { reconnectMs: 20 });
});

test('a member that is verified, and one that is refused, give the place back', async () => {
  const relay = await openTestRelay(relayNode, { limits: { undecidedPerAddress: 1 } });
  for (let round = 0; round < 3; round += 1) {
    const nobody = connectTls({ ...relay.address, rejectUnauthorized: false });
    nobody.on('error', () => {});
    await untilClosed(nobody);
    const member = connectTls({
      ...relay.address,
      ...asker.identity(),
      rejectUnauthorized: false,
      ALPNProtocols: ['atmosphere-relay/1'],
    });
    onTestFinished(() => void member.destroy());
    await once(member, 'secureConnect');
    await untilStats(relay, ({ controlConnections }) => controlConnections === round + 1);
  }
  expect(relay.stats().refused).toEqual(new Map([['not_member', 3]]));
});

test('one member cannot take all places of a holder', async () => {
  const relay = await openTestRelay(relayNode, { limits: { pairsPerMember: 4, pairsBetween: 2 } });
  await openHolder(holder, relay, (socket) => void socket.on('error', () => {}));
  const greedy = openDialer(asker);
  const at = formatRelayAddress(relay.address);
  for (let pair = 0; pair < 2; pair += 1) await greedy.open(at, holder.nodeId, NEVER);
  await expect(greedy.open(at, holder.nodeId, NEVER)).rejects.toMatchObject({ code: 'busy' });
  const socket = await dialThrough(openDialer(other), other, relay, holder.nodeId);
  expect(socket.destroyed).toBe(false);
});
