/** What every transport must do: run by `transport.test.ts` over each. The network under it is made by the caller. */
import { expect, test } from 'vitest';
import type { NodeId } from '../core/index.ts';
import type { RefusalReason } from '../protocol/index.ts';
import type { ByteStream, GossipVerdict, MeshTransport, PeerEvent } from './transport.ts';

export interface ConformanceNode {
  readonly transport: MeshTransport;
  /** Refused by everyone, with this reason, when set. */
  refusal: RefusalReason | undefined;
}

export interface ConformanceNetwork {
  /** Makes and starts a node. */
  start(): Promise<ConformanceNode>;
  /** Lets the network work until `done`; fails when it never is. */
  until(done: () => boolean): Promise<void>;
  /** Awaits something that needs the network to work. */
  run<Result>(work: Promise<Result>): Promise<Result>;
  stop(): Promise<void>;
}

const PROTOCOL = '/atmosphere/test/1';

function noAbort(): AbortSignal {
  return new AbortController().signal;
}

/** Everything that a stream says, and how it ended. */
function listenTo(stream: ByteStream): { readonly chunks: Buffer[]; readonly ended: Promise<Error | undefined> } {
  const chunks: Buffer[] = [];
  const { promise: ended, resolve } = Promise.withResolvers<Error | undefined>();
  stream.receive({ bytes: (chunk) => chunks.push(Buffer.from(chunk)), ended: resolve });
  return { chunks, ended };
}

// biome-ignore lint/complexity/noExcessiveLinesPerFunction: a suite, not a procedure
export function testTransport(makeNetwork: () => ConformanceNetwork): void {
  const withNetwork = async (body: (network: ConformanceNetwork) => Promise<void>) => {
    const network = makeNetwork();
    try {
      await body(network);
    } finally {
      await network.stop();
    }
  };
  const connect = async (network: ConformanceNetwork, one: ConformanceNode, other: ConformanceNode) => {
    await network.run(one.transport.connect(other.transport.nodeId, other.transport.addresses()));
    await network.until(() => other.transport.peers().includes(one.transport.nodeId));
  };

  test('connect() makes both peers of each other, and both hear of it and of the end', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      const events: PeerEvent[] = [];
      b.transport.peerEvents.on((event) => events.push(event));
      await connect(network, a, b);
      expect(a.transport.peers()).toEqual([b.transport.nodeId]);
      expect(events.find(({ type }) => type === 'connected')).toEqual({
        type: 'connected',
        nodeId: a.transport.nodeId,
      });
      await network.run(a.transport.disconnect(b.transport.nodeId));
      await network.until(() => events.some(({ type }) => type === 'disconnected'));
      expect(b.transport.peers()).toEqual([]);
    }));

  test('request() brings the question to the handler, with its sender, and the answer back', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      b.transport.handle(PROTOCOL, (from, message) => ({ from, message }));
      await connect(network, a, b);
      const message = { text: 'ä'.repeat(100_000), list: [1, null, { deep: true }] };
      const answer = await network.run(a.transport.request(b.transport.nodeId, PROTOCOL, message));
      expect(answer).toEqual({ from: a.transport.nodeId, message });
    }));

  test('request() fails for a peer that is not there, a protocol that is not served, a handler that throws', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      const ask = () => network.run(a.transport.request(b.transport.nodeId, PROTOCOL, {}));
      await expect(ask()).rejects.toThrow(expect.objectContaining({ code: 'peer_unreachable' }));
      await connect(network, a, b);
      await expect(ask()).rejects.toThrow(Error);
      b.transport.handle(PROTOCOL, () => {
        throw new Error('broken');
      });
      await expect(ask()).rejects.toThrow(Error);
      b.transport.handle(PROTOCOL, () => 'well');
      expect(await ask()).toBe('well');
    }));

  test('a peer that the gate refuses is told why, and is served nothing', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      let served = 0;
      b.transport.handle(PROTOCOL, () => {
        served += 1;
        return {};
      });
      a.refusal = 'revoked';
      const refused = expect.objectContaining({ code: 'peer_refused', data: { reason: 'revoked' } });
      await expect(connect(network, a, b)).rejects.toThrow(refused);
      await expect(network.run(a.transport.request(b.transport.nodeId, PROTOCOL, {}))).rejects.toThrow(Error);
      expect([a.transport.peers(), b.transport.peers(), served]).toEqual([[], [], 0]);
    }));

  test('meet() reaches open protocols of a node that has not admitted us, and no others', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      b.transport.handle('/atmosphere/open/1', (from) => ({ hello: from }), { open: true });
      b.transport.handle(PROTOCOL, () => 'secret');
      const meeting = await network.run(a.transport.meet(b.transport.nodeId, b.transport.addresses()));
      expect(await network.run(meeting.ask('/atmosphere/open/1', {}))).toEqual({ hello: a.transport.nodeId });
      const options = { timeoutMs: 500 };
      await expect(network.run(meeting.ask(PROTOCOL, {}, options))).rejects.toThrow(Error);
      expect(b.transport.peers()).toEqual([]);
      await network.run(meeting.close());
    }));

  test('publish() floods through nodes that accept and stops at those that do not', () =>
    withNetwork(async (network) => {
      const nodes = [await network.start(), await network.start(), await network.start()];
      const [a, b, c] = nodes as [ConformanceNode, ConformanceNode, ConformanceNode];
      const heard = new Map<NodeId, string[]>(nodes.map(({ transport }) => [transport.nodeId, []]));
      const gossiping = new Set<string>();
      for (const { transport } of nodes) {
        transport.onGossip((frame): GossipVerdict => {
          const text = Buffer.from(frame).toString();
          heard.get(transport.nodeId)?.push(text);
          return text.startsWith('good') ? 'accept' : 'ignore';
        });
        transport.peerEvents.on((event) => {
          if (event.type === 'gossiping') gossiping.add(`${transport.nodeId} ${event.nodeId}`);
        });
      }
      await connect(network, a, b);
      await connect(network, b, c);
      await network.until(() => gossiping.size === 4);
      await network.run(a.transport.publish(Buffer.from('bad')));
      await network.run(a.transport.publish(Buffer.from('good')));
      await network.until(() => heard.get(c.transport.nodeId)?.includes('good') === true);
      expect(heard.get(b.transport.nodeId)?.toSorted()).toEqual(['bad', 'good']);
      expect(heard.get(c.transport.nodeId)).toEqual(['good']);
    }));

  test('openStream() carries bytes both ways, in order, and tells the end of them', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      b.transport.handleStream(PROTOCOL, async (from, stream) => {
        const got = listenTo(stream);
        await Promise.all([got.ended, stream.send(Buffer.from(`${from} `))]);
        await stream.send(Buffer.concat(got.chunks));
        await stream.close();
      });
      await connect(network, a, b);
      const stream = await network.run(a.transport.openStream(b.transport.nodeId, PROTOCOL, noAbort()));
      const got = listenTo(stream);
      const said = Buffer.alloc(3_000_000, 'all of it, in order; ');
      const talk = async () => {
        for (let at = 0; at < said.length; at += 100_000) await stream.send(said.subarray(at, at + 100_000));
        await stream.close();
        return got.ended;
      };
      expect(await network.run(talk())).toBeUndefined();
      expect(Buffer.concat(got.chunks).equals(Buffer.concat([Buffer.from(`${a.transport.nodeId} `), said]))).toBe(true);
    }));

  test('a stream that is aborted ends with an error at the other side, and sends no more', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      const served = Promise.withResolvers<ByteStream>();
      b.transport.handleStream(PROTOCOL, (_from, stream) => served.resolve(stream));
      await connect(network, a, b);
      const stream = await network.run(a.transport.openStream(b.transport.nodeId, PROTOCOL, noAbort()));
      const mine = listenTo(stream);
      await network.run(Promise.resolve(stream.send(Buffer.from('hello'))));
      const there = listenTo(await network.run(served.promise));
      stream.abort(new Error('enough'));
      expect(await network.run(there.ended)).toBeInstanceOf(Error);
      expect(await network.run(mine.ended)).toBeInstanceOf(Error);
      await expect(network.run(Promise.resolve(stream.send(Buffer.from('more'))))).rejects.toThrow(Error);
    }));

  test('a peer that goes away ends its streams with an error or an end, never in silence', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      b.transport.handleStream(PROTOCOL, (_from, stream) => void listenTo(stream));
      await connect(network, a, b);
      const stream = await network.run(a.transport.openStream(b.transport.nodeId, PROTOCOL, noAbort()));
      const got = listenTo(stream);
      await network.run(b.transport.stop());
      await network.run(got.ended);
      expect(got.chunks).toEqual([]);
    }));

  test('openStream() fails for a peer that is not there or refused, and for a protocol nobody serves', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      const open = () => network.run(a.transport.openStream(b.transport.nodeId, PROTOCOL, noAbort()));
      const unreachable = expect.objectContaining({ code: 'peer_unreachable' });
      await expect(open()).rejects.toThrow(unreachable);
      let served = 0;
      b.transport.handleStream('/atmosphere/other/1', () => {
        served += 1;
      });
      a.refusal = 'revoked';
      await expect(connect(network, a, b)).rejects.toThrow(Error);
      await expect(open()).rejects.toThrow(unreachable);
      a.refusal = undefined;
      await connect(network, a, b);
      await expect(open()).rejects.toThrow(unreachable);
      expect(served).toBe(0);
    }));

  test('stop() lets the others know, and start() of another goes on without it', () =>
    withNetwork(async (network) => {
      const [a, b] = [await network.start(), await network.start()];
      await connect(network, a, b);
      await network.run(b.transport.stop());
      await network.until(() => a.transport.peers().length === 0);
      const gone = network.run(a.transport.connect(b.transport.nodeId, b.transport.addresses()));
      await expect(gone).rejects.toThrow(expect.objectContaining({ code: 'peer_unreachable' }));
    }));
}
