/**
 * What is heard of services, by whom: each word counts for the machine that it came from, as long as it says and no longer than the
 * bound, and replaces nothing that another machine said. All of it is a claim. Spec: docs/spec/24-local-network.md §3.
 */
import { type HeardPacket, type HeardRecord, isSameName } from './dns.ts';
import { LAN_LIMITS } from './limits.ts';
import { isShowable, readTxt, type TxtEntries } from './txt.ts';

/** A service as a stranger describes it. */
export interface LanService {
  readonly instance: string;
  /** Where the words came from: a machine of the same network. */
  readonly address: string;
  readonly port: number;
  readonly txt: TxtEntries;
}

interface Heard {
  readonly instance: string;
  readonly address: string;
  port: number | undefined;
  txt: TxtEntries | undefined;
  untilMs: number;
}

export interface HeardNews {
  readonly found: readonly LanService[];
  readonly lost: readonly LanService[];
  /** Instances of which the answer left something out. */
  readonly incomplete: readonly string[];
}

export class HeardServices {
  readonly #suffix: string;
  readonly #known = new Map<string, Heard>();

  /** `_atmosphere._tcp` */
  constructor(type: string) {
    this.#suffix = `.${type}.local`;
  }

  /** Those that are complete and whose time is not over, in the order in which they were heard of. */
  services(nowMs: number): LanService[] {
    return [...this.#known.values()]
      .filter(({ untilMs }) => untilMs > nowMs)
      .flatMap((heard) => toService(heard) ?? []);
  }

  /** When the first word runs out. */
  nextEndMs(): number {
    return Math.min(...[...this.#known.values()].map(({ untilMs }) => untilMs));
  }

  take({ answers, additionals }: HeardPacket, address: string, nowMs: number): HeardNews {
    const touched = new Map<Heard, string>();
    for (const record of [...answers, ...additionals].sort(pointersFirst)) {
      const heard = this.#heardOf(record, address, nowMs);
      if (heard === undefined) continue;
      if (!touched.has(heard)) touched.set(heard, stateOf(heard, nowMs));
      note(heard, record, nowMs);
    }
    return this.#newsOf(touched, nowMs);
  }

  /** Forgets what has run out: says what that was. */
  expire(nowMs: number): LanService[] {
    const over = [...this.#known].filter(([, { untilMs }]) => untilMs <= nowMs);
    for (const [key] of over) this.#known.delete(key);
    return over.flatMap(([, heard]) => toService(heard) ?? []);
  }

  #heardOf(record: HeardRecord, address: string, nowMs: number): Heard | undefined {
    const instance = this.#instanceOf(record);
    if (instance === undefined) return undefined;
    const key = `${address}\n${instance.toLowerCase()}`;
    const known = this.#known.get(key);
    if (known !== undefined || record.ttl === 0 || !this.#hasRoom(address)) return known;
    const heard: Heard = { instance, address, port: undefined, txt: undefined, untilMs: nowMs };
    this.#known.set(key, heard);
    return heard;
  }

  /** The one that a record speaks of. */
  #instanceOf({ type, name, data }: HeardRecord): string | undefined {
    const isPointer = type === 'PTR' && isSameName(`.${name}`, this.#suffix);
    const full = isPointer ? data : type === 'SRV' || type === 'TXT' ? name : undefined;
    if (typeof full !== 'string' || !isSameName(full.slice(-this.#suffix.length), this.#suffix)) return undefined;
    const instance = full.slice(0, -this.#suffix.length);
    const isName = instance !== '' && Buffer.byteLength(instance) <= LAN_LIMITS.instanceBytes;
    return isName && isShowable(instance) ? instance : undefined;
  }

  #hasRoom(address: string): boolean {
    const ofAddress = [...this.#known.values()].filter((heard) => heard.address === address).length;
    return this.#known.size < LAN_LIMITS.services && ofAddress < LAN_LIMITS.servicesPerAddress;
  }

  #newsOf(touched: ReadonlyMap<Heard, string>, nowMs: number): HeardNews {
    const found: LanService[] = [];
    const lost: LanService[] = [];
    const incomplete: string[] = [];
    for (const [heard, before] of touched) {
      const service = toService(heard);
      if (heard.untilMs <= nowMs) {
        this.#known.delete(`${heard.address}\n${heard.instance.toLowerCase()}`);
        if (service !== undefined) lost.push(service);
      } else if (service === undefined) incomplete.push(heard.instance);
      else if (stateOf(heard, nowMs) !== before) found.push(service);
    }
    return { found, lost, incomplete };
  }
}

/** What a record says, as far as it has the form. A life of 0 takes the service back. */
function note(heard: Heard, { type, ttl, data }: HeardRecord, nowMs: number): void {
  const life = Math.min(Number.isFinite(ttl) ? Math.max(0, ttl) : 0, LAN_LIMITS.ttlSeconds) * 1000;
  if (life === 0) heard.untilMs = nowMs;
  else heard.untilMs = Math.max(heard.untilMs, nowMs + life);
  if (type === 'TXT') heard.txt = readTxt(data) ?? heard.txt;
  const port = type === 'SRV' ? (data as { port?: unknown } | null)?.port : undefined;
  if (typeof port === 'number' && port > 0) heard.port = port;
}

/** A goodbye of one record counts, whatever else the packet says of the service before it. */
function pointersFirst(one: HeardRecord, other: HeardRecord): number {
  return Number(other.ttl > 0) - Number(one.ttl > 0) || Number(other.type === 'PTR') - Number(one.type === 'PTR');
}

function toService({ instance, address, port, txt }: Heard): LanService | undefined {
  return port === undefined || txt === undefined ? undefined : { instance, address, port, txt };
}

/** Another text when the service says something else. */
function stateOf({ port, txt, untilMs }: Heard, nowMs: number): string {
  return untilMs <= nowMs ? '' : JSON.stringify([port, txt && [...txt]]);
}
