import { describe, expect, it } from 'vitest';
import type { NodeId, Sha256 } from '../core/index.ts';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { toErrorAnswer } from './error-answer.ts';
import { HaveBook } from './have/have-book.ts';
import { SERVER_LIMITS } from './limits.ts';
import type { Viewer } from './ports.ts';
import { UploadRooms } from './upload-rooms.ts';

const A = 'a'.repeat(64) as Sha256;
const peer = (nodeId: string): Viewer => ({ kind: 'peer', nodeId: nodeId as NodeId, role: 'member' });

function roomsFor(...followers: readonly (string | undefined)[]): UploadRooms {
  return roomsAt(new VirtualClock(), ...followers);
}

function roomsAt(clock: VirtualClock, ...followers: readonly (string | undefined)[]): UploadRooms {
  const book = new HaveBook(SERVER_LIMITS, clock);
  const question = { sha256: A, sizeBytes: 95, pieceBytes: 10, account: 'any', onChange() {} };
  for (const nodeId of followers) book.follow({ ...question, nodeId });
  return new UploadRooms(book, clock);
}

function fill(rooms: UploadRooms, viewer: Viewer) {
  return Array.from({ length: PROTOCOL_LIMITS.uploadSlots }, () => rooms.enter(viewer, A));
}

describe('UploadRooms', () => {
  it('answers few at once where several follow, and says when to ask again', () => {
    const rooms = roomsFor('x', 'y', 'z');
    const [first] = fill(rooms, peer('x'));
    let refusal: unknown;
    try {
      rooms.enter(peer('y'), A);
    } catch (thrown) {
      refusal = thrown;
    }
    const { status, headers } = toErrorAnswer(refusal);
    expect(status).toBe(429);
    expect(headers).toMatchObject({ 'problem-code': 'no_upload_room', 'retry-after': '1', 'retry-after-ms': '300' });
    first?.[Symbol.dispose]();
    rooms.enter(peer('y'), A);
    expect(() => rooms.enter(peer('z'), A)).toThrow(expect.objectContaining({ code: 'no_upload_room' }));
  });

  it('keeps nobody out where two follow, however many programs of theirs read', () => {
    const rooms = roomsFor('x', 'y', 'x');
    for (let round = 0; round < 4; round += 1) for (const who of ['x', 'y']) fill(rooms, peer(who));
  });

  it('keeps nobody out who does not follow: a browser, curl, an older node', () => {
    const rooms = roomsFor('x', 'y', 'z', undefined);
    fill(rooms, peer('x'));
    for (const viewer of [
      { kind: 'loopback' },
      { kind: 'stranger' },
      { kind: 'token', subject: 's' },
      peer('w'),
    ] as const)
      fill(rooms, viewer);
  });

  it('gives a node that has several places no more while others find none, however it reads', async () => {
    const clock = new VirtualClock();
    const others = ['b', 'c', 'd', 'e', 'f', 'g'];
    const rooms = roomsAt(clock, 'greedy', ...others);
    const isLetIn = (name: string): boolean => {
      try {
        return rooms.enter(peer(name), A) !== undefined;
      } catch {
        return false;
      }
    };
    // It takes all places and reads nothing.
    fill(rooms, peer('greedy'));
    expect(others.map(isLetIn)).toEqual(others.map(() => false));
    await clock.advance(PROTOCOL_LIMITS.uploadPlaceMs);
    expect(others.map(isLetIn)).toEqual([true, true, true, true, true, false]);
    await clock.advance(PROTOCOL_LIMITS.uploadPlaceMs);
    expect([isLetIn('g'), isLetIn('greedy'), isLetIn('g')]).toEqual([true, true, true]);
    for (let round = 0; round < 3; round += 1) isLetIn('greedy');
    expect(isLetIn('b')).toBe(false);
    await clock.advance(PROTOCOL_LIMITS.uploadPlaceMs - 1);
    isLetIn('b');
    await clock.advance(1);
    expect([isLetIn('greedy'), isLetIn('b')]).toEqual([false, true]);
  });

  it('has room of its own for each blob', () => {
    const rooms = roomsFor('x', 'y', 'z');
    fill(rooms, peer('x'));
    rooms.enter(peer('x'), 'b'.repeat(64) as Sha256);
  });
});
