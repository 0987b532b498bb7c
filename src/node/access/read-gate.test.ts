import { expect, test } from 'vitest';
import type { NodeId } from '../../core/index.ts';
import type { ModelAccess } from '../../protocol/index.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { type Asker, PolicyReadGate } from './read-gate.ts';

const mesh = makeTestMesh('gate');
const [gateway, edge, stranger] = ['gateway', 'edge', 'nobody'].map((name) => mesh.member(name).nodeId) as [
  NodeId,
  NodeId,
  NodeId,
];
const ROLES = new Map([
  [gateway, 'gateway'],
  [edge, 'edge'],
]);
const POLICY: ModelAccess = {
  type: 'model_access',
  models: { secret: { read: ['admin', 'gateway'] }, ours: { read: ['member'] }, open: { read: ['*'] } },
};

function may(asker: Asker, modelIds = ['secret'], policy: ModelAccess | undefined = POLICY): boolean {
  return new PolicyReadGate({ policy: () => policy, roleOf: (nodeId) => ROLES.get(nodeId) }).mayRead(modelIds, asker);
}
const peer = (role: string, onBehalfOf?: string): Asker => ({
  kind: 'peer',
  role,
  ...(onBehalfOf === undefined ? {} : { onBehalfOf }),
});

test('a peer reads what its role may, a token what its maker’s may, this machine everything', () => {
  expect([may(peer('gateway')), may(peer('edge')), may({ kind: 'loopback' })]).toEqual([true, false, true]);
  expect([may({ kind: 'token', role: 'admin' }), may({ kind: 'token', role: 'edge' })]).toEqual([true, false]);
});

test('who shows no role is a plain member', () => {
  expect([may({ kind: 'token' }), may({ kind: 'token' }, ['ours']), may({ kind: 'stranger' })]).toEqual([
    false,
    true,
    false,
  ]);
});

test('a blob of several models is read when one of them may be', () => {
  expect([may(peer('edge'), ['secret', 'open']), may(peer('edge'), ['secret', 'ours'])]).toEqual([true, false]);
});

test('through a relay both the relay and the one it names must be allowed', () => {
  expect(may(peer('gateway', gateway))).toBe(true);
  expect(may(peer('gateway', edge))).toBe(false);
  expect(may(peer('edge', gateway))).toBe(false);
  for (const nobody of [stranger, 'token', ''])
    expect([may(peer('gateway', nobody)), may(peer('member', nobody), ['ours'])]).toEqual([false, true]);
});

test('without a policy everybody who was let in reads', () => {
  const open = new PolicyReadGate({ policy: () => undefined, roleOf: () => undefined });
  expect(open.mayRead(['secret'], peer('edge', 'anything'))).toBe(true);
});
