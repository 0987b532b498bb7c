import { expect, test } from 'vitest';
import { mayAuthor } from './access.ts';

test.each(['admin', 'gateway', 'edge', 'member', 'paint-shop', '__proto__'])(
  'mayAuthor() lets %s speak for itself only',
  (role) => {
    const ownWords = (['heartbeat', 'catalog', 'outcome'] as const).map((kind) => mayAuthor(role, kind));
    expect(ownWords).toEqual([true, true, true]);
    expect([mayAuthor(role, 'certificate'), mayAuthor(role, 'revocation')]).toEqual([false, false]);
  },
);
