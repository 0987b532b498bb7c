/**
 * The rate policy of a node, alive: kept in its settings, applied to both directions of the link from the moment it is said,
 * changed by the schedule when its time comes. Owns the governors, the watch over the link's delay and the schedule's timer.
 * Spec: docs/spec/10-transfer.md §11.
 */
import type { ByteGate, Clock, Logger, NodeId, RequestId, Sha256 } from '../../core/index.ts';
import { messageOf } from '../../core/index.ts';
import {
  connectProber,
  DelayWatch,
  type Direction,
  type FlowFacts,
  formatRatePolicy,
  LAN_POLICY,
  limitsOf,
  type PeerAddress,
  type PieceSource,
  parseRatePolicy,
  RateGovernor,
  type RatePolicy,
  type RatePolicyText,
  type RateRules,
  rulesAt,
  type TransferWish,
} from '../../transfer/index.ts';
import type { PullRates, RatedPull } from '../pull/ports.ts';

export interface RateControlOptions {
  readonly settings: { get(key: string): unknown; set(key: string, value: unknown): void };
  /** Where the delay to a peer can be measured. */
  readonly addressOf: (nodeId: NodeId) => PeerAddress | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who reads a blob here, as the HTTP edge and the mesh know it. */
export interface Reader {
  readonly kind: string;
  readonly nodeId?: NodeId;
}

const SETTING = 'rate_policy';
/** A clock that was set, or a machine that slept, is noticed within this. */
const LONGEST_TIMER_MS = 60_000;

export class RateControl implements PullRates, Disposable {
  readonly #options: RateControlOptions;
  readonly #governors: Readonly<Record<Direction, RateGovernor>>;
  readonly #watch: DelayWatch;
  readonly #wishes = new Map<RequestId, TransferWish>();
  /** Which transfer a blob is fetched for: what is served of it meanwhile is the same transfer's. */
  readonly #requests = new Map<Sha256, RequestId>();
  #policy: RatePolicy;
  #rules: RateRules;
  #cancelTimer = (): void => {};

  constructor(options: RateControlOptions) {
    this.#options = options;
    const { clock, addressOf } = options;
    this.#policy = this.#load();
    this.#rules = rulesAt(this.#policy, clock.nowMs());
    const open = (direction: Direction) => new RateGovernor(this.#rulesOf(direction), clock);
    this.#governors = { download: open('download'), upload: open('upload') };
    const prober = connectProber((peer) => addressOf(peer as NodeId));
    this.#watch = new DelayWatch({ governors: Object.values(this.#governors), prober, clock });
    this.#setTimer();
  }

  [Symbol.dispose](): void {
    this.#cancelTimer();
    this.#watch[Symbol.dispose]();
    for (const governor of Object.values(this.#governors)) governor.close();
  }

  get policy(): RatePolicy {
    return this.#policy;
  }

  /** What holds now. */
  get rules(): RateRules {
    return this.#rules;
  }

  /** From now on, and after a restart. Throws TransferError for what is no policy; nothing has changed then. */
  change(text: RatePolicyText): void {
    this.#policy = parseRatePolicy(text);
    this.#options.settings.set(SETTING, formatRatePolicy(this.#policy));
    this.#apply();
  }

  gate({ requestId, sha256, sizeBytes }: RatedPull, source: PieceSource): ByteGate {
    this.#requests.set(sha256, requestId);
    return this.#governors.download.gate({ transfer: requestId, peer: source.nodeId ?? source.id, sizeBytes });
  }

  /** What the bytes of a blob have to pass on their way to a reader. */
  uploadGate(reader: Reader, sha256: Sha256, sizeBytes: number): ByteGate {
    const peer = reader.nodeId ?? reader.kind;
    const transfer = this.#requests.get(sha256) ?? `${peer} ${sha256}`;
    return this.#governors.upload.gate({ transfer, peer, sizeBytes });
  }

  /** The most that a download may have now: of the node's rate, its size class and its own limit the least. */
  downloadRateOf(transfer: RequestId, sizeBytes: number): number {
    const flow = { transfer, peer: '', sizeBytes };
    const { transferRate } = limitsOf(this.#rules, flow, 'download', this.#wishes.get(transfer));
    return Math.min(this.#rules.download, transferRate);
  }

  setWish(requestId: RequestId, wish: TransferWish): void {
    this.#wishes.set(requestId, wish);
    this.#apply();
  }

  forget(requestId: RequestId): void {
    this.#wishes.delete(requestId);
    for (const [sha256, id] of this.#requests) if (id === requestId) this.#requests.delete(sha256);
  }

  #rulesOf(direction: Direction) {
    return {
      nodeRate: this.#rules[direction],
      limitsOf: (flow: FlowFacts) =>
        limitsOf(this.#rules, flow, direction, this.#wishes.get(flow.transfer as RequestId)),
    };
  }

  #apply(): void {
    this.#rules = rulesAt(this.#policy, this.#options.clock.nowMs());
    this.#governors.download.apply(this.#rulesOf('download'));
    this.#governors.upload.apply(this.#rulesOf('upload'));
    this.#setTimer();
  }

  #setTimer(): void {
    this.#cancelTimer();
    const { nextChangeMs } = this.#rules;
    if (nextChangeMs === undefined) return;
    const leftMs = Math.max(1, nextChangeMs - this.#options.clock.nowMs());
    this.#cancelTimer = this.#options.clock.after(Math.min(leftMs, LONGEST_TIMER_MS), () => this.#apply());
  }

  #load(): RatePolicy {
    const kept = this.#options.settings.get(SETTING);
    if (typeof kept !== 'object' || kept === null) return LAN_POLICY;
    try {
      return parseRatePolicy(kept as RatePolicyText);
    } catch (thrown) {
      this.#options.logger.warn(
        { err: messageOf(thrown) },
        'the kept rate policy cannot be read; there is no limit now',
      );
      return LAN_POLICY;
    }
  }
}
