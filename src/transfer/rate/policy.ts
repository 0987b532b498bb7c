/**
 * How much of the link transfers may have: profile, rates of the node, of each peer, by the time of day. Pure: (policy, time)
 * → rules, (rules, flow) → its limits. Spec: docs/spec/10-transfer.md §11.
 */
import { MB } from '../../core/index.ts';
import { TransferError } from '../errors.ts';
import { TRANSFER_LIMITS } from '../limits.ts';
import type { Priority } from './priority.ts';
import { formatRate, parseRate, UNLIMITED } from './rate-value.ts';
import {
  entryAt,
  formatScheduleEntry,
  localWallClock,
  nextChangeMs,
  parseScheduleEntry,
  type ScheduleEntry,
  type WallClock,
} from './schedule.ts';

export const PROFILES = ['lan', 'metered', 'custom'] as const;
export type Profile = (typeof PROFILES)[number];

export type Direction = 'download' | 'upload';
export type Rates = Readonly<Record<Direction, number>>;

export interface RatePolicy {
  readonly profile: Profile;
  /** Of the whole node. */
  readonly download: number;
  readonly upload: number;
  /** Of each peer by itself, either way. */
  readonly perPeer: number;
  /** Of single peers, by node id, instead of `perPeer`. */
  readonly peers: Readonly<Record<string, Rates>>;
  readonly schedule: readonly ScheduleEntry[];
  /** Every transfer gives way when the link's delay grows, not only those of low priority. */
  readonly yields: boolean;
}

/** As kept and as asked for: rates and schedules as people write them. */
export interface RatePolicyText {
  readonly profile?: string | undefined;
  readonly download?: string | undefined;
  readonly upload?: string | undefined;
  readonly per_peer?: string | undefined;
  readonly peers?:
    | Readonly<Record<string, { readonly download?: string | undefined; readonly upload?: string | undefined }>>
    | undefined;
  readonly schedule?: readonly string[] | undefined;
  readonly yields?: boolean | undefined;
}

export const LAN_POLICY: RatePolicy = {
  profile: 'lan',
  download: UNLIMITED,
  upload: UNLIMITED,
  perPeer: UNLIMITED,
  peers: {},
  schedule: [],
  yields: false,
};

/** Throws TransferError `bad_rate`, `bad_schedule`, `bad_policy`. What is absent is unlimited. */
export function parseRatePolicy(text: RatePolicyText): RatePolicy {
  const { schedule = [], peers = {} } = text;
  const profile = PROFILES.find((known) => known === (text.profile ?? 'lan'));
  if (profile === undefined) throw badPolicy(`the profile ${text.profile}, wanted one of ${PROFILES.join(', ')}`);
  if (schedule.length > TRANSFER_LIMITS.scheduleEntries)
    throw badPolicy(`${schedule.length} schedule entries, at most ${TRANSFER_LIMITS.scheduleEntries}`);
  if (Object.keys(peers).length > TRANSFER_LIMITS.limitedPeers)
    throw badPolicy(`limits of ${Object.keys(peers).length} peers, at most ${TRANSFER_LIMITS.limitedPeers}`);
  return {
    profile,
    download: rateOf(text.download),
    upload: rateOf(text.upload),
    perPeer: rateOf(text.per_peer),
    peers: Object.fromEntries(
      Object.entries(peers).map(([id, rates]) => [
        id,
        { download: rateOf(rates.download), upload: rateOf(rates.upload) },
      ]),
    ),
    schedule: schedule.map(parseScheduleEntry),
    yields: text.yields ?? false,
  };
}

/** Every word said. */
export function formatRatePolicy(policy: RatePolicy) {
  const { profile, download, upload, perPeer, peers, schedule, yields } = policy;
  return {
    ...{ profile, yields },
    ...{ download: formatRate(download), upload: formatRate(upload), per_peer: formatRate(perPeer) },
    peers: Object.fromEntries(
      Object.entries(peers).map(([id, rates]) => [
        id,
        { download: formatRate(rates.download), upload: formatRate(rates.upload) },
      ]),
    ),
    schedule: schedule.map(formatScheduleEntry),
  };
}

/** What holds at one time. */
export interface RateRules extends Rates {
  /** Transfers have the rate of their size class. */
  readonly bySize: boolean;
  readonly yields: boolean;
  readonly perPeer: number;
  readonly peers: RatePolicy['peers'];
  /** When other rules hold; undefined when these hold for good. */
  readonly nextChangeMs: number | undefined;
}

/** An entry of the schedule takes the place of the node's rates and of the size classes. */
export function rulesAt(policy: RatePolicy, nowMs: number, wall: WallClock = localWallClock): RateRules {
  const entry = entryAt(policy.schedule, wall(nowMs));
  const { download, upload } = entry ?? policy;
  const isMetered = policy.profile === 'metered';
  return {
    ...{ download, upload, perPeer: policy.perPeer, peers: policy.peers },
    bySize: isMetered && entry === undefined,
    yields: isMetered || policy.yields,
    nextChangeMs: nextChangeMs(policy.schedule, nowMs, wall),
  };
}

/** Bytes on their way: which transfer's, whom from or to, of how large a blob. */
export interface FlowFacts {
  readonly transfer: string;
  readonly peer: string;
  readonly sizeBytes: number;
}

/** What its user said of one transfer. */
export interface TransferWish {
  readonly priority?: Priority | undefined;
  readonly download?: number | undefined;
  readonly upload?: number | undefined;
}

export interface FlowLimits {
  readonly transferRate: number;
  readonly peerRate: number;
  readonly priority: Priority;
  /** Gives way when the link's delay grows. */
  readonly yields: boolean;
}

export function limitsOf(rules: RateRules, flow: FlowFacts, direction: Direction, wish: TransferWish = {}): FlowLimits {
  const sizeRate = rules.bySize ? rateOfSize(flow.sizeBytes) : UNLIMITED;
  const priority = wish.priority ?? 'normal';
  const isFree = rules.bySize && sizeRate === UNLIMITED;
  return {
    transferRate: wish[direction] ?? sizeRate,
    peerRate: rules.peers[flow.peer]?.[direction] ?? rules.perPeer,
    priority,
    yields: priority === 'low' || (rules.yields && !isFree),
  };
}

/** The size classes of a metered link (T9). */
export function rateOfSize(sizeBytes: number): number {
  if (sizeBytes < 10 * MB) return UNLIMITED;
  return (sizeBytes < 500 * MB ? 5 * MB : 2 * MB) / 8;
}

function rateOf(text: string | undefined): number {
  return text === undefined ? UNLIMITED : parseRate(text);
}

function badPolicy(what: string): TransferError {
  return new TransferError('bad_policy', `Reading the rate policy: ${what}`);
}
