import { describe, expect, it } from 'vitest';
import { KiB, MiB, type NodeId } from '../core/index.ts';
import {
  encodeAckFrame,
  encodeTransferMessage,
  parseTransferMessage,
  type TransferRequest,
} from '../protocol/index.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { FairShares } from './fair-shares.ts';
import { RELAY_LIMITS } from './limits.ts';
import { type RelaySeat, WsRelayHub, type WsRelayHubOptions } from './ws-relay-hub.ts';

const limits = RELAY_LIMITS;

class End {
  readonly seat: RelaySeat;
  readonly got: (string | Buffer)[] = [];
  readonly #written: (() => void)[] = [];
  /** False: what it is sent stays in its socket. */
  reads: boolean;

  constructor(hub: WsRelayHub, name: string, { isLink = false, reads = true, kind = 'peer' } = {}) {
    this.reads = reads;
    const socket = {
      send: (message: string | Buffer, onWritten: () => void): void => {
        this.got.push(message);
        this.#written.push(onWritten);
        if (this.reads) this.read();
      },
    };
    const seat = hub.join({ kind, nodeId: name as NodeId }, socket, isLink);
    if (seat === undefined) throw new Error('no seat');
    this.seat = seat;
  }

  read(): void {
    this.reads = true;
    for (let next = this.#written.shift(); next !== undefined; next = this.#written.shift()) next();
  }

  get lastJson(): Record<string, unknown> {
    return JSON.parse(String(this.got.at(-1)));
  }
}

let count = 0;
function request(target: string, id?: string): TransferRequest {
  count += 1;
  const request_id = id ?? `00000000-0000-4000-8000-${String(count).padStart(12, '0')}`;
  const about = { type: 'model_request', request_id, target_node_id: target, requester_node_id: 'somebody else' };
  return parseTransferMessage({ ...about, model_id: 'org/model' }) as TransferRequest;
}

function open(options: Partial<WsRelayHubOptions> = {}) {
  const clock = new VirtualClock();
  const hub = new WsRelayHub({ limits, clock, ...options });
  return { clock, hub };
}

describe('WsRelayHub', () => {
  it('passes a request to its target under the verified name, and what follows both ways, unchanged', () => {
    const { hub } = open();
    const [asker, holder] = [new End(hub, 'asker'), new End(hub, 'holder', { isLink: true })];
    const asked = request('holder');
    expect(asker.seat.request(asked)).toBeUndefined();
    expect(holder.lastJson).toMatchObject({ request_id: asked.request_id, requester_node_id: 'asker' });
    const frame = encodeAckFrame(asked.request_id, 7);
    expect(holder.seat.forward(asked.request_id, frame)).toBe(true);
    expect(asker.got).toEqual([frame]);
    expect(asker.seat.forward(asked.request_id, 'any text')).toBe(true);
    expect(holder.got.at(-1)).toBe('any text');
  });

  it('ends a transfer with its last word, which still arrives', () => {
    const { hub } = open();
    const [asker, holder] = [new End(hub, 'asker'), new End(hub, 'holder', { isLink: true })];
    for (const type of ['model_transfer_cancel', 'model_transfer_complete']) {
      const asked = request('holder');
      asker.seat.request(asked);
      expect(asker.seat.forward(asked.request_id, type, type)).toBe(true);
      expect(holder.got.at(-1)).toBe(type);
      expect(holder.seat.forward(asked.request_id, 'late')).toBe(false);
    }
    expect(hub.counts()).toEqual({ links: 1, routes: 0, queuedBytes: 0 });
  });

  it('knows links only, the newest first, and none of itself', () => {
    const { hub } = open();
    const asker = new End(hub, 'asker', { isLink: true });
    new End(hub, 'holder');
    expect(asker.seat.request(request('holder'))).toBe('target_absent');
    expect(asker.seat.request(request('asker'))).toBe('target_absent');
    const [old, young] = [new End(hub, 'holder', { isLink: true }), new End(hub, 'holder', { isLink: true })];
    asker.seat.request(request('holder'));
    young.seat.leave();
    asker.seat.request(request('holder'));
    expect([young.got.length, old.got.length]).toEqual([1, 1]);
    old.seat.leave();
    expect(asker.seat.request(request('holder'))).toBe('target_absent');
  });

  it('gives strangers no seat, and nobody a word in the transfer of others', () => {
    const { hub } = open();
    expect(() => new End(hub, 'nobody', { kind: 'stranger' })).toThrow('no seat');
    const [asker, holder] = [new End(hub, 'asker'), new End(hub, 'holder', { isLink: true })];
    const third = new End(hub, 'third');
    const asked = request('holder');
    asker.seat.request(asked);
    expect(third.seat.forward(asked.request_id, 'mine now')).toBe(true);
    expect(third.seat.request(request('holder', asked.request_id))).toBe('bad_request');
    expect([asker.got.length, holder.got.length, third.got.length]).toEqual([0, 1, 0]);
  });

  it('tells the other side when one leaves', () => {
    const { hub } = open();
    const [asker, holder] = [new End(hub, 'asker'), new End(hub, 'holder', { isLink: true })];
    asker.seat.request(request('holder'));
    holder.seat.leave();
    expect(asker.lastJson).toMatchObject({ type: 'model_transfer_cancel', code: 'target_absent' });
    expect(hub.counts()).toEqual({ links: 0, routes: 0, queuedBytes: 0 });
  });

  it('ends the transfer of a reader that does not read, and serves the others meanwhile', () => {
    const { hub } = open();
    const holder = new End(hub, 'holder', { isLink: true });
    const [slow, quick] = [new End(hub, 'slow', { reads: false }), new End(hub, 'quick')];
    const [toSlow, toQuick] = [request('holder'), request('holder')];
    slow.seat.request(toSlow);
    quick.seat.request(toQuick);
    const chunk = Buffer.alloc(256 * KiB);
    let passed = 0;
    while (hub.counts().routes === 2) {
      holder.seat.forward(toSlow.request_id, chunk);
      holder.seat.forward(toQuick.request_id, chunk);
      passed += 1;
    }
    // One in the socket, the queue full, and one too many.
    expect(passed).toBe(1 + limits.wsRouteQueueBytes / chunk.length + 1);
    expect(quick.got).toHaveLength(passed);
    expect(holder.lastJson).toMatchObject({ code: 'relay_overrun', request_id: toSlow.request_id });
    slow.read();
    expect(slow.got).toHaveLength(2);
    expect(slow.lastJson).toMatchObject({ code: 'relay_overrun' });
    expect(hub.counts().queuedBytes).toBe(0);
  });

  it('serves the transfers of one socket in turn', () => {
    const { hub } = open();
    const holder = new End(hub, 'holder', { isLink: true });
    const asker = new End(hub, 'asker', { reads: false });
    const [one, two] = [request('holder'), request('holder')];
    for (const each of [one, two]) asker.seat.request(each);
    const chunks = (byte: number) => Array.from({ length: 4 }, () => Buffer.alloc(256 * KiB, byte));
    for (const chunk of chunks(1)) holder.seat.forward(one.request_id, chunk);
    for (const chunk of chunks(2)) holder.seat.forward(two.request_id, chunk);
    asker.read();
    expect(asker.got.map((message) => (message as Buffer)[0])).toEqual([1, 1, 2, 1, 2, 1, 2, 2]);
  });

  it('never holds more than it may for all together', () => {
    const small = { ...limits, wsQueueBytes: 4 * MiB };
    const { hub } = open({ limits: small });
    const holder = new End(hub, 'holder', { isLink: true });
    const requests = Array.from({ length: 8 }, (_, index) => {
      const asked = request('holder');
      new End(hub, `asker ${index}`, { reads: false }).seat.request(asked);
      return asked;
    });
    for (let round = 0; round < 20; round += 1)
      for (const { request_id } of requests) {
        holder.seat.forward(request_id, Buffer.alloc(256 * KiB));
        expect(hub.counts().queuedBytes).toBeLessThan(small.wsQueueBytes + 8 * KiB);
      }
  });

  it('keeps room for others when one member reads nothing in all of its transfers, over ones included', () => {
    const { hub } = open();
    const holder = new End(hub, 'holder', { isLink: true });
    const greedy = new End(hub, 'greedy', { reads: false });
    const modest = new End(hub, 'modest', { reads: false });
    for (let round = 0; round < 20; round += 1) {
      const asked = request('holder');
      if (greedy.seat.request(asked) !== undefined) continue;
      for (let sent = 0; sent < 23; sent += 1) holder.seat.forward(asked.request_id, Buffer.alloc(256 * KiB));
      greedy.seat.forward(asked.request_id, 'enough', 'model_transfer_complete');
    }
    const own = request('holder');
    modest.seat.request(own);
    for (let sent = 0; sent < 23; sent += 1) holder.seat.forward(own.request_id, Buffer.alloc(256 * KiB));
    expect(hub.counts().routes).toBe(1);
    greedy.seat.leave();
    modest.seat.leave();
    expect(hub.counts().queuedBytes).toBe(0);
  });

  it('counts what a message costs, however short it is', () => {
    const { hub } = open();
    const holder = new End(hub, 'holder', { isLink: true });
    const asker = new End(hub, 'asker', { reads: false });
    const asked = request('holder');
    asker.seat.request(asked);
    let passed = 0;
    while (hub.counts().routes === 1) {
      holder.seat.forward(asked.request_id, Buffer.alloc(25));
      passed += 1;
    }
    expect(passed).toBeLessThan(25_000);
  });

  it('forgets what waited for its share of the rate when the reader has left', async () => {
    const clock = new VirtualClock();
    const shares = new FairShares(MiB, limits, clock);
    const hub = new WsRelayHub({ limits, clock, gateOf: (member) => shares.gateOf(member) });
    const holder = new End(hub, 'holder', { isLink: true });
    const asker = new End(hub, 'asker');
    const asked = request('holder');
    asker.seat.request(asked);
    for (let sent = 0; sent < 20; sent += 1) holder.seat.forward(asked.request_id, Buffer.alloc(256 * KiB));
    holder.seat.forward(asked.request_id, 'that was all', 'model_transfer_cancel');
    asker.seat.leave();
    await clock.advance(60_000);
    expect(hub.counts()).toEqual({ links: 1, routes: 0, queuedBytes: 0 });
  });

  it('takes bearers of tokens for one member, whatever names their tokens have', () => {
    const members = new Set<string>();
    const spend = (member: string): boolean => Boolean(members.add(member));
    const { hub } = open({ spend });
    const holder = new End(hub, 'holder', { isLink: true });
    for (const subject of ['one', 'two', 'three']) {
      const socket = { send: (_message: string | Buffer, onWritten: () => void) => onWritten() };
      const viewer = { kind: 'token', subject };
      expect(hub.join(viewer, socket, false)?.request(request('holder'))).toBeUndefined();
    }
    expect([...members]).toEqual(['token']);
    expect(holder.lastJson).toMatchObject({ requester_node_id: 'token' });
  });

  it('refuses a member more than its transfers, and lets it again when one is over', () => {
    const { hub } = open();
    new End(hub, 'holder', { isLink: true });
    const asker = new End(hub, 'asker');
    const first = request('holder');
    asker.seat.request(first);
    for (let more = 1; more < limits.wsRoutesPerMember; more += 1)
      expect(asker.seat.request(request('holder'))).toBeUndefined();
    expect(new End(hub, 'asker').seat.request(request('holder'))).toBe('relay_quota');
    expect(new End(hub, 'other').seat.request(request('holder'))).toBeUndefined();
    asker.seat.forward(first.request_id, 'enough', 'model_transfer_cancel');
    expect(asker.seat.request(request('holder'))).toBeUndefined();
  });

  it('forgets a transfer that says nothing any more', async () => {
    const { hub, clock } = open();
    const [asker, holder] = [new End(hub, 'asker'), new End(hub, 'holder', { isLink: true })];
    const [silent, lively] = [request('holder'), request('holder')];
    for (const each of [silent, lively]) asker.seat.request(each);
    await clock.advance(100_000);
    holder.seat.forward(lively.request_id, 'still here');
    await clock.advance(100_000);
    expect(hub.counts().routes).toBe(1);
    await clock.advance(200_000);
    expect(hub.counts().routes).toBe(0);
  });

  it('cuts a member that has used up its quota', () => {
    let left = 1 * MiB;
    const spend = (member: string, bytes: number): boolean => {
      expect(member).toBe('asker');
      left -= bytes;
      return left >= 0;
    };
    const { hub } = open({ spend });
    const [asker, holder] = [new End(hub, 'asker'), new End(hub, 'holder', { isLink: true })];
    const asked = request('holder');
    asker.seat.request(asked);
    for (let sent = 0; sent < 4; sent += 1) holder.seat.forward(asked.request_id, Buffer.alloc(300 * KiB));
    expect(asker.lastJson).toMatchObject({ code: 'relay_quota' });
    expect(asker.seat.request(request('holder'))).toBe('relay_quota');
  });

  it('divides its rate among members, however many transfers one has', async () => {
    const clock = new VirtualClock();
    const shares = new FairShares(MiB, limits, clock);
    const hub = new WsRelayHub({ limits, clock, gateOf: (member) => shares.gateOf(member) });
    const holder = new End(hub, 'holder', { isLink: true });
    const [greedy, modest] = [new End(hub, 'greedy'), new End(hub, 'modest')];
    const requests = [0, 1, 2, 3].map(() => request('holder'));
    for (const each of requests) greedy.seat.request(each);
    const own = request('holder');
    modest.seat.request(own);
    await clock.advance(1000);
    for (let index = 0; index < 20; index += 1)
      for (const { request_id } of [...requests, own]) holder.seat.forward(request_id, Buffer.alloc(256 * KiB));
    await clock.advance(8000);
    const bytesOf = (end: End): number => end.got.reduce((sum, message) => sum + message.length, 0);
    expect(bytesOf(modest) / bytesOf(greedy)).toBeGreaterThan(0.8);
    expect(bytesOf(modest) + bytesOf(greedy)).toBeLessThan(9 * MiB);
  });
});

it('what it says of itself is a message like any other', () => {
  const { hub } = open();
  const [asker, holder] = [new End(hub, 'asker'), new End(hub, 'holder', { isLink: true })];
  asker.seat.request(request('holder'));
  holder.seat.leave();
  const read = parseTransferMessage(asker.lastJson);
  expect(JSON.parse(encodeTransferMessage(read as never))).toEqual(asker.lastJson);
});
