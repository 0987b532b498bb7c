import { createSocket, type RemoteInfo } from 'node:dgram';
import { once } from 'node:events';
import makeMdns from 'multicast-dns';
import { describe, it, type TestContext } from 'vitest';
import { silentLogger, systemClock } from '../core/index.ts';
import { advertise } from './advertise.ts';
import { Browser } from './browse.ts';
import { freePort, gateway, LOOPBACK, nextEvent, openNetwork, TYPE } from './lan.fixture.ts';
import { LocalNetwork } from './local-network.ts';

/** Everything of one test, ended with it. */
function stackOf({ onTestFinished }: TestContext): AsyncDisposableStack {
  const stack = new AsyncDisposableStack();
  onTestFinished(() => stack.disposeAsync());
  return stack;
}

const SUFFIX = { suffix: 'aaaa' };

describe.concurrent('a service on the local network', () => {
  it('is found with what it says, changes, and is lost with its goodbye', async (test) => {
    const { expect } = test;
    const stack = stackOf(test);
    const port = await freePort();
    const shown = advertise(stack.use(openNetwork(port)), gateway(), SUFFIX);
    const browser = stack.use(new Browser(stack.use(openNetwork(port)), TYPE));

    const { service } = await nextEvent(browser, ({ on }) => on === 'found');
    expect(service).toMatchObject({ instance: 'gateway-01', address: '127.0.0.1', port: 14345 });
    expect(Object.fromEntries(service.txt)).toEqual({ v: '1', p1: 'line@1.3' });
    expect(browser.services()).toHaveLength(1);

    const changed = nextEvent(browser, ({ on }) => on === 'found');
    shown.change(gateway({ txt: [['p1', 'line@1.4']] }));
    expect((await changed).service.txt.get('p1')).toBe('line@1.4');

    const lost = nextEvent(browser, ({ on }) => on === 'lost');
    await shown[Symbol.asyncDispose]();
    expect((await lost).service.instance).toBe('gateway-01');
    expect(browser.services()).toEqual([]);
  });

  it('that is announced already answers whoever begins to look', async (test) => {
    const { expect } = test;
    const stack = stackOf(test);
    const port = await freePort();
    const [net, other] = [stack.use(openNetwork(port)), stack.use(openNetwork(port))];
    stack.use(advertise(net, gateway(), SUFFIX));
    const first = stack.use(new Browser(other, TYPE));
    await nextEvent(first);
    const late = stack.use(new Browser(stack.use(openNetwork(port)), TYPE));
    expect((await nextEvent(late)).service.port).toBe(14345);
  });

  it('gets another name when another machine has its own', async (test) => {
    const { expect } = test;
    const stack = stackOf(test);
    const port = await freePort();
    const browser = stack.use(new Browser(stack.use(openNetwork(port)), TYPE));
    stack.use(advertise(stack.use(openNetwork(port)), gateway(), SUFFIX));
    await nextEvent(browser);
    const second = gateway({ host: 'atmosphere-bbbb', port: 15000 });
    const shown = stack.use(advertise(stack.use(openNetwork(port)), second, { suffix: 'bbbb' }));
    const { service } = await nextEvent(browser, (event) => event.service.port === 15000);
    expect(service.instance).toBe('gateway-01 bbbb');
    expect(shown.instance).toBe('gateway-01 bbbb');
  });

  it('answers a program that asks from a port of its own, to it alone and with a short life', async (test) => {
    const { expect } = test;
    const stack = stackOf(test);
    const port = await freePort();
    const browser = stack.use(new Browser(stack.use(openNetwork(port)), TYPE));
    stack.use(advertise(stack.use(openNetwork(port)), gateway(), SUFFIX));
    await nextEvent(browser);
    const answer = await askOnce(port, stack);
    expect(answer.id).toBe(77);
    expect(answer.answers[0]).toMatchObject({ type: 'PTR', data: `gateway-01.${TYPE}.local`, ttl: 10 });
  });

  it('needs no network, and no port that is free', async (test) => {
    const { expect } = test;
    const stack = stackOf(test);
    const nowhere = new LocalNetwork({ clock: systemClock, logger: silentLogger, interfaces: () => [] });
    const shown = advertise(nowhere, gateway(), SUFFIX);
    using browser = new Browser(nowhere, TYPE);
    expect(browser.services()).toEqual([]);
    await shown[Symbol.asyncDispose]();
    nowhere[Symbol.dispose]();

    const taken = createSocket('udp4').bind(0, '0.0.0.0');
    await once(taken, 'listening');
    stack.defer(() => new Promise<void>((resolve) => taken.close(() => resolve())));
    const network = stack.use(openNetwork(taken.address().port));
    await stack.use(advertise(network, gateway(), SUFFIX))[Symbol.asyncDispose]();
    expect(network.links()).toEqual([]);
  });

  it('is not believed when the words come from another network', async (test) => {
    const { expect } = test;
    const stack = stackOf(test);
    const port = await freePort();
    const other = { address: '127.0.0.1', prefixBits: 8 };
    const network = stack.use(
      new LocalNetwork({
        clock: systemClock,
        logger: silentLogger,
        port,
        interfaces: () => [{ ...other, prefixBits: 32 }],
      }),
    );
    const browser = stack.use(new Browser(network, TYPE));
    const socket = createSocket('udp4').bind(0, '127.0.0.9');
    await once(socket, 'listening');
    const stranger = stack.adopt(makeMdns({ port, bind: false, socket }), (mdns) => mdns.destroy());
    stranger.respond({ answers: words('far', 1) as never }, { address: '127.0.0.1', port } as never);
    stack.use(advertise(stack.use(openNetwork(port)), gateway(), SUFFIX));
    await nextEvent(browser);
    expect(browser.services().map(({ instance }) => instance)).toEqual(['gateway-01']);
  });

  it('does not crash on bytes that are no DNS, and hears the next words', async (test) => {
    const { expect } = test;
    const stack = stackOf(test);
    const port = await freePort();
    const browser = stack.use(new Browser(stack.use(openNetwork(port)), TYPE));
    const stranger = stack.adopt(createSocket({ type: 'udp4', reuseAddr: true }), (socket) => void socket.close());
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(3, 0xff), Buffer.alloc(600, 0xc0), Buffer.alloc(60_000, 0xff)])
      stranger.send(bytes, port, '127.0.0.1');
    stack.use(advertise(stack.use(openNetwork(port)), gateway(), SUFFIX));
    expect((await nextEvent(browser)).service.instance).toBe('gateway-01');
  });
});

function words(instance: string, port: number) {
  const name = `${instance}.${TYPE}.local`;
  return [
    { type: 'PTR', name: `${TYPE}.local`, ttl: 100, data: name },
    { type: 'SRV', name, ttl: 100, data: { port, target: 'far.local' } },
    { type: 'TXT', name, ttl: 100, data: [Buffer.from('v=1')] },
  ];
}

/** As `dig` does: from any port, with an id. */
async function askOnce(port: number, stack: AsyncDisposableStack): Promise<{ id: number; answers: readonly object[] }> {
  const mdns = stack.adopt(
    makeMdns({ port, bind: false, interface: LOOPBACK.address, socket: createSocket('udp4').bind(0) }),
    (socket) => socket.destroy(),
  );
  const heard = new Promise<{ id: number; answers: readonly object[] }>((resolve) => {
    mdns.on('response', (packet: unknown, _from: RemoteInfo) => resolve(packet as never));
  });
  mdns.query({ id: 77, questions: [{ name: `${TYPE}.local`, type: 'PTR' }] });
  return heard;
}
