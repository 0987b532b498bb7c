/**
 * Who gets how much of which link. Exact max-min fairness over ten thousand links at each start and end of a flow would
 * cost more than all else, and TCP does not find it at once either. So a link divides its bandwidth anew at the instant
 * at which one of its flows starts or ends, and tells the other ends of its flows when its level changed by more than
 * 2 %; they follow `settleMs` later, and so on until nothing changes. What a link has granted never exceeds what it has.
 */
import type { EventQueue, Task } from './event-queue.ts';
import type { Flow, Link } from './flow.ts';

const TOLD_CHANGE = 0.02;

export class FluidNetwork {
  readonly #now: DirtyLinks;
  readonly #later: DirtyLinks;

  constructor(queue: EventQueue, settleMs: number) {
    this.#now = new DirtyLinks(queue, 0, (link) => this.#divide(link));
    this.#later = new DirtyLinks(queue, settleMs, (link) => this.#divide(link));
  }

  start(flow: Flow): void {
    if (flow.isActive) return;
    flow.isActive = true;
    for (const link of [flow.path.up, flow.path.down]) {
      link.flows.push(flow);
      this.#now.add(link);
    }
  }

  end(flow: Flow): void {
    if (!flow.isActive) return;
    flow.drop();
    flow.isActive = false;
    flow.grantedUp = 0;
    flow.grantedDown = 0;
    for (const link of [flow.path.up, flow.path.down]) {
      const last = link.flows.pop();
      const at = last === flow ? -1 : link.flows.indexOf(flow);
      if (at >= 0 && last !== undefined) link.flows[at] = last;
      this.#now.add(link);
    }
  }

  #divide(link: Link): void {
    const before = link.level;
    link.level = fairLevel(link);
    const told = Math.abs(link.level - before) > TOLD_CHANGE * before;
    for (const flow of link.flows) {
      const isUp = flow.path.up === link;
      const other = isUp ? flow.path.down : flow.path.up;
      const grant = Math.min(link.level, demandOf(flow, other));
      if (isUp) flow.grantedUp = grant;
      else flow.grantedDown = grant;
      flow.regrant();
      if (told && Math.min(before, link.level) < Math.min(other.level, flow.path.capBytesPerMs)) this.#later.add(other);
    }
  }
}

function demandOf(flow: Flow, other: Link): number {
  return Math.min(other.level, flow.path.capBytesPerMs);
}

/**
 * The level at which flows that want more than it are cut, so that all together get exactly what the link has. A link
 * that has enough for all could give the greediest what is left over as well.
 */
function fairLevel(link: Link): number {
  const { flows, bytesPerMs } = link;
  if (flows.length === 0) return bytesPerMs;
  let level = bytesPerMs / flows.length;
  for (let modestBefore = -1; ; ) {
    let modest = 0;
    let modestSum = 0;
    let greatest = 0;
    for (const flow of flows) {
      const demand = demandOf(flow, flow.path.up === link ? flow.path.down : flow.path.up);
      if (demand > greatest) greatest = demand;
      if (demand > level) continue;
      modest += 1;
      modestSum += demand;
    }
    if (modest === flows.length) return Math.min(bytesPerMs, greatest + bytesPerMs - modestSum);
    if (modest <= modestBefore) return level;
    modestBefore = modest;
    level = (bytesPerMs - modestSum) / (flows.length - modest);
  }
}

/** Links to look at together, in the order in which they were named. */
class DirtyLinks implements Task {
  readonly #queue: EventQueue;
  readonly #delayMs: number;
  readonly #divide: (link: Link) => void;
  #links = new Set<Link>();

  constructor(queue: EventQueue, delayMs: number, divide: (link: Link) => void) {
    this.#queue = queue;
    this.#delayMs = delayMs;
    this.#divide = divide;
  }

  add(link: Link): void {
    if (this.#links.size === 0) this.#queue.after(this.#delayMs, this);
    this.#links.add(link);
  }

  fire(): void {
    const links = this.#links;
    this.#links = new Set();
    for (const link of links) this.#divide(link);
  }
}
