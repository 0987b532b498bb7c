import { expect, test } from 'vitest';
import type { ModelAccess, SignedRecord } from '../protocol/index.ts';
import { mayDeploy, mayRead, mayShipCode, mayWrite, policyInForce, rolesWith } from './model-access.ts';

const rights = (policy: ModelAccess | undefined, modelId: string, role: string) => [
  mayRead(policy, modelId, role),
  mayWrite(policy, modelId, role),
  mayDeploy(policy, modelId, role),
  mayShipCode(policy, modelId, role),
];

test.each([
  ['admin', [true, true, true, false]],
  ['publisher', [true, true, true, false]],
  ['gateway', [true, false, true, false]],
  ['edge', [true, false, false, false]],
  ['paint-shop', [true, false, false, false]],
] as const)('without a policy %s has the default rights', (role, expected) => {
  expect(rights(undefined, 'yolov8n', role)).toEqual(expected);
});

const POLICY: ModelAccess = {
  type: 'model_access',
  models: {
    '*': { read: ['admin', 'edge'] },
    secret: { read: ['admin'], deploy: [] },
    open: { read: ['*'], ship_code: ['publisher'] },
  },
};

test('a right that an entry leaves out is that of `*`, and one that `*` leaves out is the default', () => {
  expect(rights(POLICY, 'secret', 'edge')).toEqual([false, false, false, false]);
  expect(rights(POLICY, 'secret', 'publisher')).toEqual([false, true, false, false]);
  expect(rights(POLICY, 'other', 'edge')).toEqual([true, false, false, false]);
  expect(rights(POLICY, 'other', 'gateway')).toEqual([false, false, true, false]);
});

test('an entry opens again what `*` closes, and an empty list closes it for admins too', () => {
  expect(rights(POLICY, 'open', 'sensor')).toEqual([true, false, false, false]);
  expect(mayShipCode(POLICY, 'open', 'publisher')).toBe(true);
  expect(mayDeploy(POLICY, 'secret', 'admin')).toBe(false);
});

test.each(['__proto__', 'constructor', 'toString'])('a model called %s has the rights of any other', (modelId) => {
  expect(rolesWith('read', POLICY, modelId)).toEqual(['admin', 'edge']);
  expect(rolesWith('write', undefined, modelId)).toEqual(['admin', 'publisher']);
});

const access = (author: string, issuedAt: number) =>
  ({ kind: 'access', author, key: '', issued_at: issuedAt }) as unknown as SignedRecord;

const ROLES: Record<string, string> = { ann: 'admin', bob: 'admin', eve: 'publisher' };
const context = (revoked: readonly string[] = []) => ({
  certificateOf: (id: string) => (ROLES[id] === undefined ? undefined : { role: ROLES[id] }),
  isRevoked: (id: string) => revoked.includes(id),
});

test('of two admins who disagree the later word counts, on every node the same', () => {
  const [first, second, same] = [access('bob', 10), access('ann', 20), access('bob', 20)];
  expect(policyInForce([first, second], context())).toBe(second);
  expect(policyInForce([second, first], context())).toBe(second);
  expect(policyInForce([same, second], context())).toBe(same);
  expect(policyInForce([second, same], context())).toBe(same);
});

test('a policy of one who is no admin, or not any more, or unknown, does not count', () => {
  const good = access('ann', 1);
  const others = [access('eve', 99), access('nobody', 99), access('bob', 99)];
  expect(policyInForce([good, ...others], context(['bob']))).toBe(good);
  expect(policyInForce(others, context(['bob']))).toBeUndefined();
});
