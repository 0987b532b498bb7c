import { createPublicKey } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Sha256 } from '../core/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { keyFromSeed } from './keys.ts';
import { TRUST_LIMITS } from './limits.ts';
import { keyHint, makeModelBundle, readModelBundle } from './model-bundle.ts';

interface BundleCase {
  readonly name: string;
  readonly bundle: unknown;
  readonly keys: readonly string[];
  readonly expected?: { readonly model_name: string; readonly files: readonly object[] };
  readonly reason?: string;
}

describe('readModelBundle()', () => {
  test.each(vectorCases<BundleCase>('model-bundles'))('%s', (_name, { bundle, keys, expected, reason }) => {
    const read = () =>
      readModelBundle(
        JSON.stringify(bundle),
        keys.map((pem) => createPublicKey(pem)),
      );
    if (expected === undefined)
      return expect(read).toThrow(expect.objectContaining({ code: 'bundle_refused', data: { reason } }));
    expect(read()).toMatchObject({ modelName: expected.model_name, files: expected.files });
  });

  test.each([
    ['nothing', ''],
    ['no JSON', '{'],
    ['another thing', '[]'],
  ])('refuses %s', (_what, text) => {
    expect(() => readModelBundle(text, [])).toThrow(expect.objectContaining({ data: { reason: 'malformed' } }));
  });

  test('refuses what is too large before it is read', () => {
    const text = ' '.repeat(TRUST_LIMITS.modelBundleChars + 1);
    expect(() => readModelBundle(text, [])).toThrow(expect.objectContaining({ data: { reason: 'too_large' } }));
  });
});

const key = keyFromSeed(Buffer.alloc(32, 7));
const files = ['b/2', 'a', 'b/1'].map((path, index) => ({ path, sha256: `${index + 1}`.repeat(64) as Sha256 }));

test('makeModelBundle() is read back, files in the order of their paths, by the key alone that signed', () => {
  const text = makeModelBundle({ modelName: 'org/model', files }, key);
  const read = readModelBundle(text, [keyFromSeed(Buffer.alloc(32, 8)), key]);
  expect([read.modelName, read.files.map(({ path }) => path), keyHint(read.key)]).toEqual([
    'org/model',
    ['a', 'b/1', 'b/2'],
    keyHint(key),
  ]);
  const { sig } = JSON.parse(text).dsseEnvelope.signatures[0];
  expect(() =>
    readModelBundle(
      text.replace(
        sig,
        sig.replace(/^./, (first: string) => (first === 'A' ? 'B' : 'A')),
      ),
      [key],
    ),
  ).toThrow(expect.objectContaining({ data: { reason: 'bad_signature' } }));
});
