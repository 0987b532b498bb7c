import { describe, expect, it, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { encodeDifferenceAnswer, parseDifferenceAnswer } from './difference-answer.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

interface Case {
  readonly name: string;
  readonly value: unknown;
  readonly valid: boolean;
}

describe('parseDifferenceAnswer()', () => {
  test.each(vectorCases<Case>('difference-answers'))('%s', (_name, { value, valid }) => {
    const read = () => parseDifferenceAnswer(Buffer.from(JSON.stringify(value)));
    if (valid) expect(parseDifferenceAnswer(encodeDifferenceAnswer(read()))).toEqual(read());
    else expect(read).toThrow(expect.objectContaining({ code: 'malformed' }));
  });

  it('refuses what is not JSON, and what is too long before it is read', () => {
    expect(() => parseDifferenceAnswer(Buffer.from('{'))).toThrow(expect.objectContaining({ code: 'malformed' }));
    const long = Buffer.alloc(PROTOCOL_LIMITS.differenceAnswerBytes + 1, ' ');
    expect(() => parseDifferenceAnswer(long)).toThrow(expect.objectContaining({ code: 'too_large' }));
  });

  it('reads bytes that begin in the middle of their memory', () => {
    const answer = encodeDifferenceAnswer({ state: 'making', percent: 1, retryAfterMs: 2 });
    const within = Buffer.concat([Buffer.from('junk'), answer]).subarray(4);
    expect(parseDifferenceAnswer(within)).toEqual({ state: 'making', percent: 1, retryAfterMs: 2 });
  });
});
