import { expect, it } from 'vitest';
import { TRANSFER_LIMITS } from '../limits.ts';
import { bitsOf, Plan } from './plan.fixture.ts';
import type { PlanCommand } from './plan-events.ts';

const { barrenMs, outageMs } = TRANSFER_LIMITS;

it.each([
  ['tells of pieces and never has one', [0]],
  ['tells again and again that it has nothing', []],
])('a download whose only source %s ends', (_name, claimed) => {
  const plan = new Plan(4);
  plan.tell({ on: 'source_added', sourceId: 'liar', lanes: 1, expectedRate: 0, follows: true });
  const seen: PlanCommand[] = [];
  let endedAtMs = 0;
  for (let atMs = 1_000; endedAtMs === 0 && atMs < 3 * barrenMs; atMs += 20_000) {
    seen.push(...plan.tickTo(atMs));
    seen.push(...plan.tell({ on: 'pieces_news', sourceId: 'liar', news: { news: 'holds', bits: bitsOf(4, claimed) } }));
    for (const command of seen.splice(0)) {
      if (command.do === 'fail') endedAtMs = atMs;
      if (command.do === 'read')
        seen.push(...plan.tell({ on: 'lane_failed', laneId: command.laneId, code: 'not_held_yet' }));
    }
    if (seen.some((command) => command.do === 'fail')) endedAtMs = atMs;
  }
  expect(endedAtMs).toBeGreaterThanOrEqual(outageMs);
  expect(endedAtMs).toBeLessThan(barrenMs + 60_000);
});
