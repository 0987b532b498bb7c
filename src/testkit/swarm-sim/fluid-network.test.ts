import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventQueue } from './event-queue.ts';
import { Flow, Link } from './flow.ts';
import { FluidNetwork } from './fluid-network.ts';

function makeNetwork() {
  const queue = new EventQueue();
  const network = new FluidNetwork(queue, 10);
  const open = (up: Link, down: Link, bytes: number, capBytesPerMs = Number.POSITIVE_INFINITY) => {
    const ended: { atMs?: number; readonly flow: Flow } = {
      flow: new Flow({ up, down, capBytesPerMs }, queue, () => {
        ended.atMs = queue.nowMs;
        network.end(ended.flow);
      }),
    };
    network.start(ended.flow);
    ended.flow.load(bytes);
    return ended;
  };
  const run = () => {
    while (queue.step());
  };
  return { queue, network, open, run };
}

describe('a fluid network', () => {
  it('carries one flow at the lesser of its links and of its connection', () => {
    const { open, run } = makeNetwork();
    const fast = open(new Link(100), new Link(40), 4000);
    const capped = open(new Link(100), new Link(40), 4000, 10);
    run();
    expect([fast.atMs, capped.atMs]).toEqual([100, 400]);
  });

  it('divides a link evenly, and gives on what a flow ends with or cannot take', () => {
    const { queue, open, run } = makeNetwork();
    const up = new Link(100);
    const short = open(up, new Link(1000), 1000);
    const long = open(up, new Link(1000), 9000);
    run();
    expect(short.atMs).toBeCloseTo(20);
    // 1,000 bytes at half the link, 500 more until the other end has followed, the other 7,500 at all of it.
    expect(long.atMs).toBeCloseTo(105);
    const startMs = queue.nowMs;
    const slow = open(up, new Link(10), 1000);
    const other = open(up, new Link(1000), 9000);
    run();
    expect((slow.atMs ?? 0) - startMs).toBeCloseTo(100);
    expect((other.atMs ?? 0) - startMs).toBeCloseTo(100);
  });

  it('never grants more than a link has, and carries every byte once', () => {
    const link = fc.integer({ min: 1, max: 1000 });
    const flow = fc.record({ up: fc.nat(5), down: fc.nat(5), bytes: fc.integer({ min: 1, max: 50_000 }) });
    fc.assert(
      fc.property(
        fc.array(link, { minLength: 12, maxLength: 12 }),
        fc.array(flow, { maxLength: 20 }),
        (rates, flows) => {
          const { queue, open } = makeNetwork();
          const links = rates.map((rate) => new Link(rate));
          const all = flows.map(({ up, down, bytes }) => open(links[up] as Link, links[6 + down] as Link, bytes));
          while (queue.step())
            for (const one of links)
              expect(one.flows.reduce((sum, { rate }) => sum + rate, 0)).toBeLessThanOrEqual(one.bytesPerMs * 1.000001);
          expect(all.every(({ atMs }) => atMs !== undefined)).toBe(true);
          const passed = links.slice(0, 6).reduce((sum, one) => sum + one.passedBytes, 0);
          expect(passed).toBeCloseTo(
            flows.reduce((sum, { bytes }) => sum + bytes, 0),
            0,
          );
        },
      ),
    );
  });
});
