import { describe, expect, test } from 'vitest';
import { vectorCases } from '../../testkit/vectors.ts';
import { parseNodeCapabilities } from './capability.ts';

interface CapabilityCase {
  readonly name: string;
  readonly payload: unknown;
  readonly valid: boolean;
  readonly reads?: object;
}

describe('parseNodeCapabilities()', () => {
  test.each(vectorCases<CapabilityCase>('capability'))('%s', (_name, { payload, valid, reads }) => {
    if (valid) expect(parseNodeCapabilities(payload)).toMatchObject(reads ?? {});
    else expect(() => parseNodeCapabilities(payload)).toThrowError(expect.objectContaining({ code: 'malformed' }));
  });
});
