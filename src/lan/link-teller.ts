/**
 * One service on one network: announced, answered for, taken back. Everyone is told at most once a second whoever asks, so that
 * questions cannot make a storm of answers. Spec: docs/spec/24-local-network.md §2, §4.
 */
import type { Clock } from '../core/index.ts';
import { type HeardPacket, type HeardRecord, isSameName, type OwnRecord } from './dns.ts';
import { LAN_LIMITS } from './limits.ts';
import type { HeardFrom, Link, LinkEvent } from './link.ts';
import { answerTo, type OwnService, type ServiceAnswer, type ServiceRecords, toRecords } from './own-service.ts';

export class LinkTeller implements Disposable {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #onConflict: () => void;
  readonly #stopListening: () => void;
  #records: ServiceRecords;
  #isProbing = true;
  #cancels = new Set<() => void>();
  /** By name asked for: when it was answered, or will be. */
  readonly #answeredAtMs = new Map<string, number>();
  readonly #singles = { sinceMs: Number.NEGATIVE_INFINITY, count: 0 };

  constructor(link: Link, clock: Clock, service: OwnService, onConflict: () => void) {
    this.#link = link;
    this.#clock = clock;
    this.#onConflict = onConflict;
    this.#records = this.#recordsOf(service);
    this.#stopListening = link.events.on((event) => this.#onEvent(event));
    this.#probe(0);
  }

  /** Tells the network at once; what was told before does not count any more. */
  change(service: OwnService): void {
    const { data: before } = this.#records.pointer;
    this.#records = this.#recordsOf(service);
    if (this.#records.pointer.data === before) this.#announce();
    else this.#startOver();
  }

  /** Others forget the service at once. Resolves when they have been told. */
  async goodbye(): Promise<void> {
    if (this.#isProbing) return;
    const { pointer, unique } = this.#records;
    await this.#link.tell({ answers: [pointer, ...unique].map((record) => ({ ...record, ttl: 0 })) });
  }

  [Symbol.dispose](): void {
    this.#stopListening();
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  #startOver(): void {
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
    this.#answeredAtMs.clear();
    this.#isProbing = true;
    this.#probe(0);
  }

  /** Asks whether somebody else has the name, before it is used (RFC 6762 §8.1). */
  #probe(times: number): void {
    if (times === PROBES) {
      this.#isProbing = false;
      this.#announce();
      this.#after(LAN_LIMITS.answerEveryMs, () => this.#announce());
      return;
    }
    this.#link.ask({ questions: [{ name: this.#records.pointer.data, type: 'ANY' }] });
    this.#after(PROBE_EVERY_MS, () => this.#probe(times + 1));
  }

  #announce(): void {
    if (this.#isProbing) return;
    const { pointer, unique, addresses } = this.#records;
    void this.#link.tell({ answers: [pointer, ...unique, ...addresses] });
  }

  #onEvent({ kind, packet, from }: LinkEvent): void {
    if (kind === 'response') this.#watchName(packet);
    else if (!this.#isProbing) this.#answer(packet, from);
  }

  /** Another machine says that the name is its own. */
  #watchName({ answers, additionals }: HeardPacket): void {
    const { pointer, host } = this.#records;
    const isOther = ({ type, name, ttl, data }: HeardRecord): boolean => {
      if (type !== 'SRV' || ttl === 0 || !isSameName(name, pointer.data)) return false;
      const target = (data as { target?: unknown } | null)?.target;
      return typeof target === 'string' && !isSameName(target, host);
    };
    if ([...answers, ...additionals].some(isOther)) this.#onConflict();
  }

  #answer(packet: HeardPacket, from: HeardFrom): void {
    for (const question of packet.questions) {
      const answer = answerTo(question, this.#records);
      if (answer === undefined || isKnown(packet, answer)) continue;
      if (from.port === this.#link.port) this.#answerAll(question.name, answer);
      else this.#answerOne(packet, answer, from);
    }
  }

  #answerAll(name: string, answer: ServiceAnswer): void {
    const key = name.toLowerCase();
    const nowMs = this.#clock.monotonicMs();
    const dueMs = (this.#answeredAtMs.get(key) ?? Number.NEGATIVE_INFINITY) + LAN_LIMITS.answerEveryMs;
    if (dueMs - nowMs > LAN_LIMITS.answerEveryMs) return;
    this.#answeredAtMs.set(key, Math.max(nowMs, dueMs));
    if (dueMs <= nowMs) void this.#link.tell(answer);
    else this.#after(dueMs - nowMs, () => void this.#link.tell(answer));
  }

  /** A program that asks by itself, not from the port of multicast DNS, hears the answer alone (RFC 6762 §6.7). */
  #answerOne({ id, questions }: HeardPacket, { answers, additionals }: ServiceAnswer, from: HeardFrom): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#singles.sinceMs >= 1000) Object.assign(this.#singles, { sinceMs: nowMs, count: 0 });
    this.#singles.count += 1;
    if (this.#singles.count > LAN_LIMITS.unicastAnswersPerSecond) return;
    const asked = questions as Parameters<Link['ask']>[0]['questions'] & {};
    void this.#link.tell(
      { id, questions: asked, answers: answers.map(forOne), additionals: additionals.map(forOne) },
      from,
    );
  }

  #recordsOf(service: OwnService): ServiceRecords {
    return toRecords(service, [this.#link.network.address]);
  }

  #after(delayMs: number, act: () => void): void {
    const cancel = this.#clock.after(delayMs, () => {
      this.#cancels.delete(cancel);
      act();
    });
    this.#cancels.add(cancel);
  }
}

const PROBES = 3;
const PROBE_EVERY_MS = 250;

/** Whoever asks says that it knows this, and will for a while (RFC 6762 §7.1). */
function isKnown({ answers }: HeardPacket, { answers: [first] }: ServiceAnswer): boolean {
  if (first?.type !== 'PTR') return false;
  return answers.some(
    ({ type, name, ttl, data }) =>
      type === 'PTR' && isSameName(name, first.name) && data === first.data && ttl >= first.ttl / 2,
  );
}

function forOne(record: OwnRecord): OwnRecord {
  const ttl = Math.min(record.ttl, LAN_LIMITS.unicastTtlSeconds);
  return record.type === 'PTR' ? { ...record, ttl } : { ...record, ttl, flush: false };
}
