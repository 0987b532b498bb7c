import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PROTOCOL_LIMITS } from './limits.ts';
import { UploadSlots } from './upload-slots.ts';

const PIECE = 1_000_000;
const STEP_MS = 50;

/** Readers who ask all the time; those that are let in share `uplink`, none faster than `reader`. Bytes a second. */
function serve(slots: UploadSlots, { uplink, reader, seconds }: { uplink: number; reader: number; seconds: number }) {
  const answers: { left: number; leave: (nowMs: number) => void }[] = [];
  let startMs = 0;
  const run = (): void => {
    for (let nowMs = startMs; nowMs < startMs + seconds * 1000; nowMs += STEP_MS) {
      for (let asked = 0; asked < 20; asked += 1) {
        const leave = slots.enter(nowMs);
        if (leave === undefined) break;
        answers.push({ left: PIECE, leave });
      }
      const bytes = (Math.min(uplink / answers.length, reader) * STEP_MS) / 1000;
      for (const answer of answers.splice(0)) {
        answer.left -= bytes;
        if (answer.left > 0) answers.push(answer);
        else {
          slots.sent(PIECE, nowMs);
          answer.leave(nowMs);
        }
      }
    }
    startMs += seconds * 1000;
  };
  run();
  return { more: run };
}

describe('UploadSlots', () => {
  it('lets few in at once where the uplink is full with them', () => {
    const slots = new UploadSlots();
    serve(slots, { uplink: 50_000_000, reader: 50_000_000, seconds: 8 });
    expect(slots.allowed).toBeLessThanOrEqual(PROTOCOL_LIMITS.uploadSlots * 1.6);
    serve(slots, { uplink: 6_000_000, reader: 6_000_000, seconds: 60 });
    expect(slots.allowed).toBeLessThanOrEqual(PROTOCOL_LIMITS.uploadSlots * 1.6);
  });

  it('lets more in while more are faster together, until the uplink is full', () => {
    const slots = new UploadSlots();
    serve(slots, { uplink: 400_000_000, reader: 10_000_000, seconds: 20 });
    expect(slots.allowed).toBeGreaterThanOrEqual(28);
    expect(slots.allowed).toBeLessThanOrEqual(64);
  });

  it('is not kept by readers that take nothing', () => {
    const slots = new UploadSlots();
    const { uploadSlots, uploadPlaceMs } = PROTOCOL_LIMITS;
    const stuck = Array.from({ length: uploadSlots }, (_, at) => slots.enter(at));
    expect(slots.enter(uploadPlaceMs - 1)).toBeUndefined();
    expect(slots.enter(uploadPlaceMs)).toBeDefined();
    expect(slots.enter(uploadPlaceMs)).toBeUndefined();
    for (const leave of stuck) leave?.(2 * uploadPlaceMs);
    expect(slots.taken).toBe(1);
  });

  it('takes back what did not help', () => {
    const slots = new UploadSlots();
    const most = new Set<number>();
    const { more } = serve(slots, { uplink: 50_000_000, reader: 50_000_000, seconds: 1 });
    for (let second = 0; second < 12; second += 1) {
      more();
      most.add(slots.allowed);
    }
    expect([...most].some((allowed) => allowed > PROTOCOL_LIMITS.uploadSlots)).toBe(true);
    expect(slots.allowed).toBe(PROTOCOL_LIMITS.uploadSlots);
  });

  it('says when to ask again by how long an answer takes, within bounds', () => {
    const slots = new UploadSlots();
    expect(slots.retryMs).toBe(PROTOCOL_LIMITS.uploadRetryMs);
    for (let round = 0; round < 50; round += 1) slots.enter(0)?.(2_000);
    expect(slots.retryMs).toBeGreaterThan(900);
    expect(slots.retryMs).toBeLessThanOrEqual(1_000);
    for (let round = 0; round < 50; round += 1) slots.enter(0)?.(100_000);
    expect(slots.retryMs).toBe(PROTOCOL_LIMITS.maxUploadRetryMs);
  });

  it('never has more in than it allows, and every place comes back once', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(6), { maxLength: 300 }), (steps) => {
        const slots = new UploadSlots();
        const held: ((nowMs: number) => void)[] = [];
        let nowMs = 0;
        for (const step of steps) {
          nowMs += step * 100;
          const leave = step > 2 ? slots.enter(nowMs) : undefined;
          if (leave !== undefined) held.push(leave);
          if (step === 0) held[0]?.(nowMs);
          if (step === 1) held.shift()?.(nowMs);
          slots.sent(step * PIECE, nowMs);
          expect(slots.allowed).toBeGreaterThanOrEqual(PROTOCOL_LIMITS.uploadSlots);
          expect(slots.taken).toBeLessThanOrEqual(PROTOCOL_LIMITS.maxUploadSlots);
        }
        for (const leave of held) leave(nowMs);
        expect(slots.taken).toBe(0);
      }),
    );
  });
});
