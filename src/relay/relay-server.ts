/**
 * A relay as one thing to open and close. Spec: docs/spec/13-relay.md. It listens when `openRelayServer` resolves; after
 * `close` no socket and no timer of it is left, and the bytes of the day are kept.
 */
import { type Clock, every, type Logger, messageOf, type NodeId, silentLogger, systemClock } from '../core/index.ts';
import { FairShares } from './fair-shares.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import type { RelayIdentity, UsageStore, VerifyMember } from './ports.ts';
import { DEFAULT_RELAY_PORT, type RelayAddress } from './relay-address.ts';
import { RelayPort } from './relay-port.ts';
import { Switchboard } from './switchboard.ts';
import { UsageLedger } from './usage-ledger.ts';
import { WsRelayHub } from './ws-relay-hub.ts';

export interface RelayServerOptions {
  /** All interfaces unless given. */
  readonly host?: string;
  /** 4303 unless given; 0 for any free one. */
  readonly port?: number;
  /** Of all pairs together, divided among the members that wait; nothing waits without it. */
  readonly rateBytesPerSecond?: number;
  /** Of one member. */
  readonly quotaBytesPerDay?: number;
  readonly identity: () => RelayIdentity;
  readonly verifyMember: VerifyMember;
  readonly usage?: UsageStore;
  readonly limits?: Partial<RelayLimits>;
  readonly clock?: Clock;
  readonly logger?: Logger;
}

export interface RelayStats {
  readonly controlConnections: number;
  readonly holders: number;
  readonly pairs: number;
  /** Since it was opened. */
  readonly totalBytes: number;
  /** Of this day (UTC), by node id. */
  readonly memberBytes: ReadonlyMap<string, number>;
  /** Since it was opened, by reason. */
  readonly refused: ReadonlyMap<string, number>;
}

export interface RelayServer extends AsyncDisposable {
  readonly address: RelayAddress;
  /** The same relay for WebSockets, with the same shares and quotas; mounted where there is HTTP (14-websocket §6). */
  readonly webSockets: WsRelayHub;
  stats(): RelayStats;
  /** The node's certificate was renewed. */
  renewIdentity(): void;
  /** A member was revoked. */
  disconnectMember(nodeId: NodeId): void;
  /** This node is in another mesh now. */
  disconnectAll(): void;
  close(): Promise<void>;
}

/** Throws RelayError `port_in_use`, `cannot_listen`. */
export async function openRelayServer(options: RelayServerOptions): Promise<RelayServer> {
  const { clock = systemClock, logger = silentLogger, identity, verifyMember } = options;
  const limits = { ...RELAY_LIMITS, ...options.limits };
  const ledger = openLedger(options, limits, clock);
  const shares = new FairShares(options.rateBytesPerSecond, limits, clock);
  const refused = new Map<string, number>();
  const onRefused = (reason: string): void => void refused.set(reason, (refused.get(reason) ?? 0) + 1);
  const switchboard = new Switchboard({ limits, shares, ledger, clock, logger, onRefused });
  const port = new RelayPort({
    ...{ identity, verifyMember, limits, clock, logger, onRefused },
    onControl: (nodeId, socket) => switchboard.addSession(nodeId, socket),
    onData: (side, token, socket, firstBytes) => switchboard.addData(side, token, socket, firstBytes),
  });
  const webSockets = new WsRelayHub({
    ...{ limits, clock, gateOf: (member) => shares.gateOf(member) },
    spend: (member, bytes) => ledger.spend(member, bytes, clock.nowMs()),
  });
  const address = await port.listen({ host: options.host ?? '0.0.0.0', port: options.port ?? DEFAULT_RELAY_PORT });
  const stopKeeping = keepUsage(ledger, options.usage, { everyMs: limits.quotaSaveMs, clock, logger });
  const close = once(async () => {
    switchboard.dropAll();
    await port.close();
    stopKeeping();
  });
  return {
    ...{ address, webSockets },
    stats() {
      const { sessions, holders, pairs } = switchboard.counts();
      const memberBytes = ledger.usage(clock.nowMs());
      return { controlConnections: sessions, holders, pairs, totalBytes: ledger.totalBytes, memberBytes, refused };
    },
    renewIdentity: () => port.renewIdentity(),
    disconnectMember: (nodeId) => switchboard.dropMember(nodeId),
    disconnectAll: () => switchboard.dropAll(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function openLedger(options: RelayServerOptions, limits: RelayLimits, clock: Clock): UsageLedger {
  const rules = { quotaBytes: options.quotaBytesPerDay, maxMembers: limits.quotaMembers };
  return new UsageLedger(rules, options.usage?.load(), clock.nowMs());
}

interface KeepOptions {
  readonly everyMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Returns what keeps the last count and ends it. */
function keepUsage(
  ledger: UsageLedger,
  store: UsageStore | undefined,
  { everyMs, clock, logger }: KeepOptions,
): () => void {
  const save = (): void => {
    const usage = store === undefined ? undefined : ledger.takeChanges();
    try {
      if (usage !== undefined) store?.save(usage);
    } catch (thrown) {
      logger.warn({ err: messageOf(thrown) }, 'the bytes of the day are not kept');
    }
  };
  const cancel = every(clock, everyMs, save);
  return () => {
    cancel();
    save();
  };
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= work();
    return done;
  };
}
