/** What an operator sees of a splice relay, on the port's `/metrics`. Spec: docs/spec/13-relay.md §7. */
import { Counter, Gauge, type Registry } from 'prom-client';
import type { RelayServer, RelayStats } from '../relay/index.ts';

/** Read when asked for. Members are the mesh's, so their number is bounded. */
export function exportRelayMetrics(registry: Registry, server: Pick<RelayServer, 'stats'> | undefined): void {
  if (server === undefined) return;
  const registers = [registry];
  const gauge = (name: string, help: string, read: (stats: RelayStats) => number): void => {
    const made: Gauge = new Gauge({ name, help, registers, collect: () => made.set(read(server.stats())) });
  };
  gauge('atmosphere_relay_holders', 'Nodes reached through this relay', ({ holders }) => holders);
  gauge('atmosphere_relay_control_connections', 'Open control connections', (stats) => stats.controlConnections);
  gauge('atmosphere_relay_pairs', 'Joined connections', ({ pairs }) => pairs);
  const bytes: Counter = new Counter({
    name: 'atmosphere_relay_bytes_total',
    help: 'Bytes passed on, both ways',
    registers,
    collect() {
      bytes.reset();
      bytes.inc(server.stats().totalBytes);
    },
  });
  const members: Gauge<'member'> = new Gauge({
    name: 'atmosphere_relay_member_bytes',
    help: 'Bytes of this day (UTC) by the member that asked for them',
    labelNames: ['member'],
    registers,
    collect() {
      members.reset();
      for (const [member, count] of server.stats().memberBytes) members.set({ member }, count);
    },
  });
  const refused: Counter<'reason'> = new Counter({
    name: 'atmosphere_relay_refused_total',
    help: 'Connections and questions refused, by reason',
    labelNames: ['reason'],
    registers,
    collect() {
      refused.reset();
      for (const [reason, count] of server.stats().refused) refused.inc({ reason }, count);
    },
  });
}
