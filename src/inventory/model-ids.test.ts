import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isModelId } from '../protocol/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { shortHash, toDistinctIds, toModelId } from './model-ids.ts';

interface IdCase {
  readonly name: string;
  readonly text: string;
  readonly id: string;
  readonly hash: boolean;
}

test.each(vectorCases<IdCase>('inventory', 'model-ids.json'))('toModelId() answers %s', (_, { text, id, hash }) => {
  expect(toModelId(text)).toBe(hash ? `${id}${shortHash(text)}` : id);
});

test('toModelId() gives a valid id for a name of 4 kB', () => {
  expect(isModelId(toModelId('x'.repeat(4096)))).toBe(true);
});

test('toModelId() gives a valid id for any text, and two ids for two texts', () => {
  const text = fc.string({
    unit: fc.oneof(
      fc.constantFrom('/', '.', '..', ' ', '\0', 'nul', 'a', ':', '%'),
      fc.string({ unit: 'grapheme', maxLength: 1 }),
    ),
  });
  fc.assert(
    fc.property(text, text, (one, other) => {
      expect(isModelId(toModelId(one))).toBe(true);
      expect(toModelId(one) === toModelId(other)).toBe(one === other);
    }),
    { numRuns: 2000 },
  );
});

test('toDistinctIds() tells files of one stem apart by extension, then by path, without regard to case', () => {
  const ids = toDistinctIds([
    { text: 'm', path: 'm.gguf' },
    { text: 'm', path: 'm.onnx' },
    { text: 'x', path: 'x.gguf' },
    { text: 'X', path: 'X.gguf' },
  ]);
  expect(ids.slice(0, 2)).toEqual(['m.gguf', 'm.onnx']);
  expect(new Set(ids.map((id) => id.toLowerCase())).size).toBe(4);
});
