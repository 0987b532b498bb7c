/** Where the delay to a peer can be measured: the port it is asked for bytes at. Pure. */
import type { PeerAddress } from '../../transfer/index.ts';
import type { Endpoint } from '../peer-endpoints.ts';

/** Undefined on this machine, whose loopback is nobody's bottleneck, and where there is no address. */
export function probeAddress(endpoints: readonly Endpoint[]): PeerAddress | undefined {
  const remote = endpoints.find(({ isLoopback }) => !isLoopback);
  const isLocal = endpoints[0]?.isLoopback === true;
  const url = remote === undefined || isLocal ? null : URL.parse(remote.baseUrl);
  if (url === null) return undefined;
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
  };
}
