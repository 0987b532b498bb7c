/**
 * Which chunk of one transfer leaves when. Pure: (state, event, time) → commands; the state handed in is consumed.
 * What the receiver controls: which chunks it acknowledges and when. Spec: docs/spec/14-websocket.md §3.
 */
export interface SendRules {
  readonly ackTimeoutMs: number;
  readonly slowAckMs: number;
  readonly retries: number;
  readonly minWindow: number;
  readonly maxWindow: number;
  /** Chunks that have not left this machine. */
  readonly maxUnwritten: number;
}

export interface SendPlan {
  /** Chunks from `first` up to `end`, without those that are held. */
  readonly first: number;
  readonly end: number;
  readonly isHeld: (index: number) => boolean;
}

interface ChunkUnderWay {
  atMs: number;
  repetitions: number;
  isWritten: boolean;
}

export interface SendState {
  readonly rules: SendRules;
  readonly plan: SendPlan;
  /** The lowest that was not sent yet. */
  next: number;
  window: number;
  unwritten: number;
  /** In the order of their clocks. */
  readonly underWay: Map<number, ChunkUnderWay>;
  isOver: boolean;
}

export type SendEvent =
  | { readonly on: 'start' }
  | { readonly on: 'ack'; readonly index: number }
  /** Everything below has arrived. */
  | { readonly on: 'ack_below'; readonly index: number }
  /** The socket took it; told once for every `send`. */
  | { readonly on: 'written'; readonly index: number }
  | { readonly on: 'time' };

export type SendCommand =
  | { readonly do: 'send'; readonly index: number }
  | { readonly do: 'done' }
  /** `isStuck`: nothing more can be said either, for the socket takes no bytes. */
  | { readonly do: 'give_up'; readonly isStuck: boolean };

export function initialSending(plan: SendPlan, rules: SendRules): SendState {
  const window = rules.minWindow;
  return { rules, plan, next: plan.first, window, unwritten: 0, underWay: new Map(), isOver: false };
}

export function planSending(state: SendState, event: SendEvent, nowMs: number): SendCommand[] {
  if (state.isOver) return [];
  const commands: SendCommand[] = [];
  if (event.on === 'ack') acknowledge(state, event.index, nowMs);
  if (event.on === 'ack_below')
    for (const index of state.underWay.keys()) if (index < event.index) acknowledge(state, index, nowMs);
  if (event.on === 'written') noteWritten(state, event.index, nowMs);
  if (event.on === 'time') repeatLate(state, commands, nowMs);
  if (!state.isOver) fillWindow(state, commands, nowMs);
  return commands;
}

/** When time must be told at the latest; undefined while nothing is under way. */
export function deadlineOf(state: SendState): number | undefined {
  const [oldest] = state.underWay.values();
  return oldest === undefined || state.isOver ? undefined : oldest.atMs + state.rules.ackTimeoutMs;
}

/** A slow acknowledgement means that chunks queue somewhere on the way: sending fewer costs nothing, and keeps clocks from running out. */
function acknowledge(state: SendState, index: number, nowMs: number): void {
  const { underWay, rules } = state;
  const chunk = underWay.get(index);
  if (chunk === undefined) return;
  underWay.delete(index);
  const isSlow = nowMs - chunk.atMs > rules.slowAckMs;
  state.window = isSlow ? Math.max(rules.minWindow, state.window - 1) : Math.min(rules.maxWindow, state.window + 1);
}

function noteWritten(state: SendState, index: number, nowMs: number): void {
  // Counted even when it was acknowledged before it left: who lies so does not make us hold more.
  state.unwritten -= 1;
  const chunk = state.underWay.get(index);
  if (chunk === undefined) return;
  chunk.isWritten = true;
  restart(state, index, chunk, nowMs);
}

function repeatLate(state: SendState, commands: SendCommand[], nowMs: number): void {
  for (const [index, chunk] of [...state.underWay]) {
    if (chunk.atMs + state.rules.ackTimeoutMs > nowMs) return;
    if (chunk.repetitions === state.rules.retries) {
      state.isOver = true;
      commands.push({ do: 'give_up', isStuck: !chunk.isWritten });
      return;
    }
    chunk.repetitions += 1;
    state.window = Math.max(state.rules.minWindow, Math.floor(state.window / 2));
    restart(state, index, chunk, nowMs);
    if (!chunk.isWritten || state.unwritten >= state.rules.maxUnwritten) continue;
    chunk.isWritten = false;
    state.unwritten += 1;
    commands.push({ do: 'send', index });
  }
}

/** Its clock starts anew, so it is now the last of them. */
function restart(state: SendState, index: number, chunk: ChunkUnderWay, nowMs: number): void {
  chunk.atMs = nowMs;
  state.underWay.delete(index);
  state.underWay.set(index, chunk);
}

function fillWindow(state: SendState, commands: SendCommand[], nowMs: number): void {
  const { plan, rules, underWay } = state;
  while (state.next < plan.end && underWay.size < state.window && state.unwritten < rules.maxUnwritten) {
    const index = state.next;
    state.next += 1;
    if (plan.isHeld(index)) continue;
    underWay.set(index, { atMs: nowMs, repetitions: 0, isWritten: false });
    state.unwritten += 1;
    commands.push({ do: 'send', index });
  }
  if (state.next < plan.end || underWay.size > 0) return;
  state.isOver = true;
  commands.push({ do: 'done' });
}
