import { SPLICE_RELAY_PORT } from '../../api/index.ts';
import type { CommandSpec } from '../command.ts';
import { parseAddress, parseByteRate, parsePort, parseSizeBytes } from '../parse-values.ts';
import type { UpOptions } from '../up-config.ts';

interface RelayOptions
  extends Pick<UpOptions, 'detach' | 'name' | 'host' | 'mdns' | 'meshPort' | 'logLevel' | 'logFile'> {
  readonly port?: number;
  readonly httpPort?: number;
  readonly rate?: number;
  readonly quotaPerDay?: number;
}

/** The same daemon as `up`, with nothing of its own to offer: certificates, revocations, and the relay's port. */
export const relay: CommandSpec<RelayOptions> = {
  usage: 'relay',
  about: 'Run a node that joins others who cannot reach each other, and reads nothing of what they send',
  examples: [
    'atmosphere relay --home /var/lib/relay   # once: atmosphere join CODE --home /var/lib/relay',
    'atmosphere relay --port 443 --rate 400Mbps --quota-per-day 200GB',
    'atmosphere up --relay relay.example:4303   # on a node that is to be reached through it',
  ],
  options: [
    { flags: '-d, --detach', about: 'run in the background; returns when it is ready' },
    { flags: '--name <name>', about: 'name of this node (default: the one given last, or the host name)' },
    { flags: '--port <port>', about: 'port of the relay, 0 = any (default: 4303)', parse: parsePort },
    { flags: '--host <address>', about: 'IP address to listen on (default: all)', parse: parseAddress },
    {
      flags: '--rate <rate>',
      about: 'the most for all members together, like 400Mbps or 50MB/s',
      parse: parseByteRate,
    },
    { flags: '--quota-per-day <size>', about: 'most bytes a day for one member, like 200GB', parse: parseSizeBytes },
    { flags: '--mesh-port <port>', about: 'mesh port, 0 = any (default: 14346)', parse: parsePort },
    { flags: '--http-port <port>', about: 'port of the control API and metrics (default: any)', parse: parsePort },
    { flags: '--no-mdns', about: 'do not look for nodes on the local network' },
    { flags: '--log-level <level>', about: 'how much to log', choices: ['debug', 'info', 'warn', 'error', 'silent'] },
    { flags: '--log-file <file>', about: 'log to a file instead of stderr' },
  ],
  async run(context, { options }) {
    const { port, httpPort, rate, quotaPerDay, ...rest } = options;
    const up: UpOptions = {
      ...rest,
      ...{ port: httpPort ?? 0, agentPort: 0, scanDefaults: false },
      relayPort: port ?? SPLICE_RELAY_PORT,
      ...(rate === undefined ? {} : { relayRate: rate }),
      ...(quotaPerDay === undefined ? {} : { relayQuotaPerDay: quotaPerDay }),
    };
    if (up.detach === true) return (await import('../detach.ts')).startDetached(context, up);
    return (await import('../foreground.ts')).runForeground(context, up);
  },
};
