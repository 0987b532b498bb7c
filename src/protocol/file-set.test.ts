import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { AtmosphereError } from '../core/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { fileSetBytes, parseFileSet } from './file-set.ts';

interface FileSetCase {
  readonly name: string;
  readonly text: string;
  readonly sha256?: string;
  readonly valid: boolean;
}

describe('parseFileSet()', () => {
  test.each(vectorCases<FileSetCase>('content', 'file-sets.json'))('%s', (_name, { text, sha256, valid }) => {
    if (!valid) {
      expect(() => parseFileSet(Buffer.from(text))).toThrowError(AtmosphereError);
      return;
    }
    const bytes = fileSetBytes(parseFileSet(Buffer.from(text)));
    expect(bytes.toString()).toBe(text);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
  });

  test('refuses a list above the limit before reading it', () => {
    expect(() => parseFileSet(Buffer.alloc(5 * 1024 * 1024))).toThrowError(
      expect.objectContaining({ code: 'too_large' }),
    );
  });
});
