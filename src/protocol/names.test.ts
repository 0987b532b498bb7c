import { describe, expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { parseModelId, parseRelativePath, toFolderName } from './names.ts';

interface NameCase {
  readonly name: string;
  readonly kind: 'model_id' | 'path';
  readonly text: string;
  readonly valid: boolean;
  readonly folder?: string;
}

describe('names', () => {
  test.each(vectorCases<NameCase>('names'))('%s', (_name, { kind, text, valid, folder }) => {
    const parse = kind === 'model_id' ? parseModelId : parseRelativePath;
    if (!valid) {
      expect(() => parse(text)).toThrowError(expect.objectContaining({ code: 'unsafe_name' }));
      return;
    }
    expect(parse(text)).toBe(text);
    if (folder !== undefined) expect(toFolderName(parseModelId(text))).toBe(folder);
  });

  test('an error shows at most 80 characters of what a peer sent', () => {
    expect(() => parseModelId(`..${'x'.repeat(5000)}`)).toThrowError(/^.{0,300}$/);
  });
});
