/** Where a relay is, as people and heartbeats write it. Pure. */
import { isIPv6 } from 'node:net';
import { RelayError } from './errors.ts';

export const DEFAULT_RELAY_PORT = 4303;
const MAX_CHARS = 200;
const FORM = /^(?:\[([^\]]+)\]|([a-z0-9](?:[a-z0-9._-]*[a-z0-9])?))(?::(\d{1,5}))?$/i;

export interface RelayAddress {
  readonly host: string;
  readonly port: number;
}

/** Reads `host`, `host:port` or `[v6]:port`. Throws RelayError `bad_address`. */
export function parseRelayAddress(text: string, defaultPort = DEFAULT_RELAY_PORT): RelayAddress {
  const [, v6, name, digits] = (text.length <= MAX_CHARS && FORM.exec(text)) || [];
  const port = digits === undefined ? defaultPort : Number(digits);
  const host = v6 ?? name;
  if (host === undefined || port < 1 || port > 65_535 || (v6 !== undefined && !isIPv6(v6)))
    throw new RelayError(
      'bad_address',
      `Reading a relay's address: ${JSON.stringify(text.slice(0, MAX_CHARS))} is not host:port`,
    );
  return { host, port };
}

export function formatRelayAddress({ host, port }: RelayAddress): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
