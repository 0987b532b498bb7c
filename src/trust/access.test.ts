import { expect, test } from 'vitest';
import { mayAuthor } from './access.ts';

test.each(['admin', 'gateway', 'edge', 'member', 'paint-shop', '__proto__'])(
  'mayAuthor() lets %s speak of itself only',
  (role) => {
    expect([mayAuthor(role, 'heartbeat'), mayAuthor(role, 'catalog')]).toEqual([true, true]);
    expect([mayAuthor(role, 'certificate'), mayAuthor(role, 'revocation')]).toEqual([false, false]);
  },
);
