import { describe, expect, test } from 'vitest';
import { hasRight, mayAuthor, mayRead } from './access.ts';

describe('the table of rights', () => {
  test.each([
    ['admin', true, true],
    ['gateway', true, false],
    ['edge', false, false],
    ['member', false, false],
    ['paint-shop', false, false],
  ])('%s: relays %s, manages %s', (role, relays, manages) => {
    expect([hasRight(role, 'relay'), hasRight(role, 'manage')]).toEqual([relays, manages]);
    expect([mayRead(role), mayAuthor(role, 'heartbeat'), mayAuthor(role, 'catalog')]).toEqual([true, true, true]);
  });

  test('mayAuthor() keeps certificates and revocations from every role', () => {
    expect(mayAuthor('admin', 'certificate')).toBe(false);
    expect(mayAuthor('admin', 'revocation')).toBe(false);
  });
});
