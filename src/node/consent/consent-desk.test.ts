import { afterEach, beforeEach, expect, test } from 'vitest';
import { openRegistry, type Registry } from '../../registry/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { ConsentDesk } from './consent-desk.ts';

let registry: Registry;
let noted: unknown[];
let isFull: boolean;
beforeEach(() => {
  registry = openRegistry(':memory:');
  noted = [];
  isFull = false;
});
afterEach(() => registry.close());

function desk(): ConsentDesk {
  const insist = (facts: unknown): void => {
    if (isFull) throw new Error('full');
    noted.push(facts);
  };
  return new ConsentDesk({
    consents: registry.consents,
    settings: registry.settings,
    clock: new VirtualClock(),
    insist,
  });
}

test('members and mirrors need no consent unless the owner wants to be asked', () => {
  const one = desk();
  expect([one.mode, one.unagreed(['a'])]).toEqual(['members', []]);
  one.mode = 'ask';
  expect([desk().mode, desk().unagreed(['a', 'b'])]).toEqual(['ask', ['a', 'b']]);
  one.mode = 'all';
  expect(one.unagreed(['a'])).toEqual([]);
});

test('one source that is agreed to is enough: it vouches for the digest', () => {
  const one = desk();
  one.mode = 'ask';
  one.add('b', 'command');
  expect([one.unagreed(['a', 'b']), one.unagreed(['a']), one.unagreed([])]).toEqual([[], ['a'], []]);
  one.remove('b');
  expect(one.unagreed(['a', 'b'])).toEqual(['a', 'b']);
  expect(() => one.remove('b')).toThrow(expect.objectContaining({ code: 'consent_not_found' }));
});

test('each change is written before it holds, and nothing holds that could not be written', () => {
  const one = desk();
  one.mode = 'ask';
  one.add('a', 'flag');
  one.add('a', 'command');
  expect(noted).toEqual([
    { what: 'mode', mode: 'ask', was: 'members' },
    { what: 'add', source: 'a', how: 'flag' },
  ]);
  isFull = true;
  expect(() => one.add('b', 'command')).toThrow('full');
  expect(() => one.remove('a')).toThrow('full');
  expect(() => {
    one.mode = 'all';
  }).toThrow('full');
  expect([one.mode, one.list().map(({ source }) => source)]).toEqual(['ask', ['a']]);
});
