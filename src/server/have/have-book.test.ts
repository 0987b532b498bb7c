import { beforeEach, describe, expect, it } from 'vitest';
import type { Sha256 } from '../../core/index.ts';
import { bitsBeyond } from '../../protocol/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { HaveBook } from './have-book.ts';

const [A, B, C] = ['a', 'b', 'c'].map((digit) => digit.repeat(64)) as [Sha256, Sha256, Sha256];
const LIMITS = { ...SERVER_LIMITS, follows: 5, followsPerPeer: 2, followersPerBlob: 3, followedBlobs: 2 };

let clock: VirtualClock;
let book: HaveBook;
let calls: string[];

beforeEach(() => {
  clock = new VirtualClock();
  book = new HaveBook(LIMITS, clock);
  calls = [];
});

function follow(who: string, sha256 = A) {
  const nodeId = who === 'loopback' ? undefined : who;
  const onChange = (): void => void calls.push(who);
  return book.follow({ sha256, sizeBytes: 95, pieceBytes: 10, nodeId, account: who, onChange });
}

describe('HaveBook', () => {
  it('remembers the pieces that somebody is sent, from the first follower on', () => {
    book.noteSending(A, 0, 10);
    const first = follow('x');
    book.noteSending(A, 5, 21);
    book.noteSending(A, 90, 95);
    book.noteSending(B, 30, 40);
    expect(bitsBeyond(first.sent(), new Uint8Array(0))).toEqual([0, 1, 2, 9]);
    const told = calls.length;
    book.noteSending(A, 10, 20);
    expect(calls.length).toBe(told);
    expect(bitsBeyond(follow('y').sent(), new Uint8Array(0))).toEqual([0, 1, 2, 9]);
  });

  it('counts others: not itself, a node once, each program of this machine', () => {
    const mine = follow('x');
    expect(mine.others()).toBe(0);
    const again = follow('x');
    expect([mine.others(), again.others()]).toEqual([0, 0]);
    const other = follow('y');
    expect([mine.others(), other.others()]).toEqual([1, 1]);
    other[Symbol.dispose]();
    again[Symbol.dispose]();
    again[Symbol.dispose]();
    const [one, two] = [follow('loopback'), follow('loopback')];
    expect([mine.others(), one.others(), two.others()]).toEqual([2, 2, 2]);
    expect(calls.at(-1)).toBe('loopback');
  });

  it('refuses one too many of a blob, of a peer and in all, and takes them when others have left', () => {
    const held = [follow('x'), follow('x', B)];
    expect(() => follow('x', C)).toThrow(expect.objectContaining({ code: 'too_many_streams' }));
    held.push(follow('y'), follow('z'));
    expect(() => follow('w')).toThrow(expect.objectContaining({ code: 'too_many_streams' }));
    held.push(follow('w', B));
    expect(() => follow('v', B)).toThrow(expect.objectContaining({ code: 'too_many_streams' }));
    for (const one of held) one[Symbol.dispose]();
    expect(follow('x', C).others()).toBe(0);
  });

  it('forgets what was sent a while after the last follower left, not before', async () => {
    follow('x')[Symbol.dispose]();
    book.noteSending(A, 0, 10);
    await clock.advance(LIMITS.sentKeptMs - 1);
    const back = follow('x');
    expect(bitsBeyond(back.sent(), new Uint8Array(0))).toEqual([0]);
    back[Symbol.dispose]();
    await clock.advance(2 * LIMITS.sentKeptMs);
    expect(bitsBeyond(follow('x').sent(), new Uint8Array(0))).toEqual([]);
  });

  it('forgets the longest unfollowed blob first where there are too many', async () => {
    for (const sha256 of [A, B]) {
      follow('x', sha256)[Symbol.dispose]();
      book.noteSending(sha256, 0, 10);
      await clock.advance(10);
    }
    follow('x', C)[Symbol.dispose]();
    expect(bitsBeyond(follow('x', B).sent(), new Uint8Array(0))).toEqual([0]);
    expect(bitsBeyond(follow('x', A).sent(), new Uint8Array(0))).toEqual([]);
  });
});
