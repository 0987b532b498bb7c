import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseResponseHead, verifyRangeHead } from './response-head.ts';

interface HeadVectors {
  readonly about: string;
  readonly wanted: { readonly start: number; readonly end: number; readonly size_bytes: number; readonly etag: string };
  readonly cases: readonly HeadCase[];
}

interface HeadCase {
  readonly name: string;
  readonly head: string;
  readonly valid: boolean;
  readonly error?: string;
  readonly retry_after_ms?: number;
}

const folder = new URL('../../vectors/transfer/', import.meta.url);

for (const file of readdirSync(folder)) {
  const { wanted, cases } = JSON.parse(readFileSync(new URL(file, folder), 'utf8')) as HeadVectors;
  const { start, end, size_bytes: sizeBytes, etag } = wanted;

  describe(`vectors/transfer/${file}`, () => {
    it.each(cases.filter((each) => each.valid))('takes: $name', ({ head }) => {
      verifyRangeHead(parseResponseHead(head), { start, end, sizeBytes, etag });
    });

    it.each(cases.filter((each) => !each.valid))('refuses: $name', (each) => {
      let thrown: unknown;
      try {
        verifyRangeHead(parseResponseHead(each.head), { start, end, sizeBytes, etag });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toMatchObject({ code: each.error, retryAfterMs: each.retry_after_ms });
    });
  });
}
