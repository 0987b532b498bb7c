import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Sha256, silentLogger } from '../../core/index.ts';
import { nextTurn } from '../../testkit/eventually.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { NODE_LIMITS } from '../limits.ts';
import { DifferenceMaker, type Pair } from './difference-maker.ts';

const digest = (text: string): Sha256 => createHash('sha256').update(text).digest('hex') as Sha256;
const pairOf = (name: string): Pair => ({ base: digest('base'), target: digest(name) });

/** A maker whose work ends when the test says so. */
function bench() {
  const clock = new VirtualClock();
  const begun: Pair[] = [];
  const works: { end: (isWorthIt: boolean) => void; fail: () => void; percent: (percent: number) => void }[] = [];
  const maker = new DifferenceMaker({
    clock,
    logger: silentLogger,
    make(pair, onPercent, signal) {
      begun.push(pair);
      const { promise, resolve, reject } = Promise.withResolvers<boolean>();
      signal.addEventListener('abort', () => reject(signal.reason));
      works.push({ end: resolve, fail: () => reject(new Error('no')), percent: onPercent });
      return promise;
    },
  });
  return { clock, begun, works, maker };
}

describe('DifferenceMaker', () => {
  it('makes one at a time, in the order asked, and says how far each is', async () => {
    const { maker, begun, works } = bench();
    expect([maker.begin(pairOf('a'), 'peer'), maker.begin(pairOf('b'), 'peer')]).toEqual([true, true]);
    expect(maker.begin(pairOf('a'), 'other')).toBe(true);
    await nextTurn();
    expect(begun).toEqual([pairOf('a')]);
    works[0]?.percent(40);
    expect([maker.percentOf(pairOf('a')), maker.percentOf(pairOf('b'))]).toEqual([40, 0]);
    works[0]?.end(true);
    await nextTurn();
    expect(begun).toEqual([pairOf('a'), pairOf('b')]);
    expect(maker.percentOf(pairOf('a'))).toBeUndefined();
    await maker[Symbol.asyncDispose]();
  });

  it('has a short line, and so many for one peer in an hour', async () => {
    const { maker, works, clock } = bench();
    for (let index = 0; index <= NODE_LIMITS.differencesWaiting; index += 1)
      expect(maker.begin(pairOf(`${index}`), 'peer')).toBe(true);
    expect(maker.begin(pairOf('one more'), 'another')).toBe(false);
    for (let index = 0; index <= NODE_LIMITS.differencesWaiting; index += 1) {
      await nextTurn();
      works[index]?.end(true);
    }
    await nextTurn();
    expect(maker.waiting).toBe(0);
    for (let index = maker.waiting; works.length < NODE_LIMITS.differencesPerPeer; index += 1) {
      expect(maker.begin(pairOf(`later ${index}`), 'peer')).toBe(true);
      await nextTurn();
      works.at(-1)?.end(true);
      await nextTurn();
    }
    expect(maker.begin(pairOf('too many'), 'peer')).toBe(false);
    expect(maker.begin(pairOf('of another'), 'another')).toBe(true);
    await nextTurn();
    works.at(-1)?.end(true);
    await nextTurn();
    await clock.advance(NODE_LIMITS.differencesPerPeerMs);
    expect(maker.begin(pairOf('an hour later'), 'peer')).toBe(true);
    await maker[Symbol.asyncDispose]();
  });

  it('gives up what nobody asks for any more, and goes on while somebody does', async () => {
    const { maker, begun, clock } = bench();
    maker.begin(pairOf('a'), 'peer');
    maker.begin(pairOf('b'), 'peer');
    await nextTurn();
    await clock.advance(NODE_LIMITS.differenceUnaskedMs - 1);
    maker.percentOf(pairOf('a'));
    await clock.advance(NODE_LIMITS.differenceUnaskedMs - 1);
    await nextTurn();
    expect(maker.percentOf(pairOf('a'))).toBe(0);
    await clock.advance(NODE_LIMITS.differenceUnaskedMs);
    await nextTurn();
    await nextTurn();
    expect([begun, maker.waiting]).toEqual([[pairOf('a')], 0]);
    expect(maker.isInVain(pairOf('a'))).toBe(false);
  });

  it('remembers what was not worth it, and what failed', async () => {
    const { maker, works } = bench();
    maker.begin(pairOf('a'), 'peer');
    maker.begin(pairOf('b'), 'peer');
    await nextTurn();
    works[0]?.end(false);
    await nextTurn();
    works[1]?.fail();
    await nextTurn();
    expect([maker.isInVain(pairOf('a')), maker.isInVain(pairOf('b')), maker.isInVain(pairOf('c'))]).toEqual([
      ...[true, true, false],
    ]);
  });

  it('ends what it does when it is closed, and begins nothing after', async () => {
    const { maker } = bench();
    maker.begin(pairOf('a'), 'peer');
    await nextTurn();
    await maker[Symbol.asyncDispose]();
    expect([maker.waiting, maker.begin(pairOf('b'), 'peer')]).toEqual([0, false]);
  });
});
