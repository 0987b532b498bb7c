import { describe, expect, test } from 'vitest';
import { canonicalBytes, SIGNING_CONTEXTS, signingBytes } from './canonical.ts';

describe('canonicalBytes()', () => {
  test('sorts keys and writes numbers as RFC 8785 says', () => {
    const value = { b: [1e21, -0, 0.1], a: { é: '\u20ac', '\r': 1 } };
    expect(canonicalBytes(value).toString()).toBe('{"a":{"\\r":1,"é":"€"},"b":[1e+21,0,0.1]}');
  });

  test('refuses what JSON cannot carry', () => {
    for (const value of [Number.NaN, { a: Number.POSITIVE_INFINITY }, undefined, 1n])
      expect(() => canonicalBytes(value)).toThrowError(expect.objectContaining({ code: 'malformed' }));
  });
});

describe('signingBytes()', () => {
  test('leaves the signature out and puts the context first', () => {
    const bytes = signingBytes(SIGNING_CONTEXTS.record, { b: 1, signature: 'x', a: 2 });
    expect(bytes.toString()).toBe('atmosphere/record/v1\n{"a":2,"b":1}');
  });

  test('differs by kind, so that no signature serves another', () => {
    const body = { a: 1 };
    const all = Object.values(SIGNING_CONTEXTS).map((context) => signingBytes(context, body).toString());
    expect(new Set(all).size).toBe(all.length);
  });
});
