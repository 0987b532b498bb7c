import { expect, test } from 'vitest';
import { vectorCases } from '../../testkit/vectors.ts';
import { parseExchangeMessage } from './exchange.ts';

interface MessageCase {
  readonly name: string;
  readonly valid: boolean;
  readonly message: unknown;
  readonly expect?: object;
}

test.each(vectorCases<MessageCase>('exchange', 'messages.json'))('parseExchangeMessage() judges %s', (_, one) => {
  if (!one.valid)
    expect(() => parseExchangeMessage(one.message)).toThrow(expect.objectContaining({ code: 'malformed' }));
  else expect(parseExchangeMessage(one.message)).toMatchObject(one.expect ?? {});
});
