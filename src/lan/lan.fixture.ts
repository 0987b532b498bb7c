/** Networks for tests: the loopback interface, at a port where nobody else does multicast DNS. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { silentLogger, systemClock } from '../core/index.ts';
import type { ServiceEvent } from './browse.ts';
import { LocalNetwork } from './local-network.ts';
import type { OwnService } from './own-service.ts';

export const LOOPBACK = { address: '127.0.0.1', prefixBits: 8 };
export const TYPE = '_atmosphere._tcp';

/** A UDP port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

export function openNetwork(port: number): LocalNetwork {
  return new LocalNetwork({ clock: systemClock, logger: silentLogger, port, interfaces: () => [LOOPBACK] });
}

export function gateway(extra: Partial<OwnService> = {}): OwnService {
  const txt = [
    ['v', '1'],
    ['p1', 'line@1.3'],
  ] as const;
  return { type: TYPE, instance: 'gateway-01', host: 'atmosphere-aaaa', port: 14345, txt, ...extra };
}

/** Resolves with the first event that is meant. */
export function nextEvent(
  browser: { readonly events: { on(listener: (event: ServiceEvent) => void): () => void } },
  isMeant: (event: ServiceEvent) => boolean = () => true,
): Promise<ServiceEvent> {
  return new Promise((resolve) => {
    const stop = browser.events.on((event) => {
      if (!isMeant(event)) return;
      stop();
      resolve(event);
    });
  });
}
