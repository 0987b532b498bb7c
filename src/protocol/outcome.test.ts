import { describe, expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { parsePeerOutcome } from './outcome.ts';

interface OutcomeCase {
  readonly name: string;
  readonly author: NodeId;
  readonly key: string;
  readonly payload: unknown;
  readonly valid: boolean;
  readonly reads?: object;
}

describe('parsePeerOutcome()', () => {
  test.each(vectorCases<OutcomeCase>('outcomes'))('%s', (_name, { payload, valid, reads, ...record }) => {
    if (valid) expect(parsePeerOutcome(payload, record)).toMatchObject(reads ?? {});
    else expect(() => parsePeerOutcome(payload, record)).toThrowError(expect.objectContaining({ code: 'malformed' }));
  });
});
