import { describe, expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { parseHeartbeat } from './heartbeat.ts';

interface HeartbeatCase {
  readonly name: string;
  readonly payload: unknown;
  readonly valid: boolean;
  readonly reads?: object;
}

describe('parseHeartbeat()', () => {
  test.each(vectorCases<HeartbeatCase>('catalog', 'heartbeats.json'))('%s', (_name, { payload, valid, reads }) => {
    if (valid) expect(parseHeartbeat(payload)).toMatchObject(reads ?? {});
    else expect(() => parseHeartbeat(payload)).toThrowError(expect.objectContaining({ code: 'malformed' }));
  });
});
