import { X509Certificate } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { Emitter, silentLogger } from '../core/index.ts';
import type { MembershipEvent } from '../mesh/index.ts';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { readTlsPeer, type TlsIdentity } from '../trust/index.ts';
import { TlsKeeper } from './tls-keeper.ts';

const DAY_MS = 86_400_000;

function setUp() {
  const [home, other] = [makeTestMesh('home'), makeTestMesh('other')];
  const membershipEvents = new Emitter<MembershipEvent>();
  const membership = { identity: home.member('anna'), membershipEvents };
  const move = () => {
    membership.identity = other.member('anna');
    membershipEvents.emit({ type: 'changed', identity: membership.identity });
  };
  return { membership, move, other, clock: new VirtualClock() };
}

async function open({ membership, clock }: ReturnType<typeof setUp>): Promise<TlsKeeper> {
  const keeper = await TlsKeeper.open(membership, clock, silentLogger);
  onTestFinished(() => keeper[Symbol.dispose]());
  return keeper;
}

function renewalOf(keeper: TlsKeeper): Promise<TlsIdentity> {
  const { promise, resolve } = Promise.withResolvers<TlsIdentity>();
  keeper.renewals.on(resolve);
  return promise;
}

test('a change of mesh makes a certificate of the new membership', async () => {
  const around = setUp();
  const keeper = await open(around);
  const renewal = renewalOf(keeper);
  around.move();
  const { cert } = await renewal;
  expect(keeper.current.cert).toBe(cert);
  const check = { meshId: around.other.authority.id, nowMs: around.clock.nowMs(), isRevoked: () => false };
  expect(readTlsPeer(new X509Certificate(cert).raw, check).nodeId).toBe(around.membership.identity.nodeId);
});

test('a certificate is renewed long before it runs out', async () => {
  const around = setUp();
  const keeper = await open(around);
  const first = keeper.current;
  const renewal = renewalOf(keeper);
  await around.clock.advance(DAY_MS);
  const renewed = await renewal;
  expect(renewed.expiresAtMs).toBeGreaterThan(first.expiresAtMs);
  expect(around.clock.nowMs()).toBeLessThan(first.expiresAtMs);
});

test('a closed keeper renews nothing', async () => {
  const around = setUp();
  const keeper = await open(around);
  const first = keeper.current;
  const renewals: TlsIdentity[] = [];
  keeper.renewals.on((renewed) => renewals.push(renewed));
  around.move();
  keeper[Symbol.dispose]();
  await around.clock.advance(400 * DAY_MS);
  expect([renewals, keeper.current]).toEqual([[], first]);
});
