/** Looks for services in the networks of this machine, for as long as somebody wants to know. Spec: docs/spec/24-local-network.md §3. */
import { Emitter } from '../core/index.ts';
import { HeardServices, type LanService } from './heard-services.ts';
import { LAN_LIMITS } from './limits.ts';
import type { Link, LinkEvent } from './link.ts';
import type { LocalNetwork } from './local-network.ts';

export interface ServiceEvent {
  /** `found`: also when it says something else than before. */
  readonly on: 'found' | 'lost';
  readonly service: LanService;
}

const FIRST_PAUSE_MS = 1000;

export class Browser implements Disposable {
  readonly events = new Emitter<ServiceEvent>();
  readonly #network: LocalNetwork;
  readonly #type: string;
  readonly #heard: HeardServices;
  readonly #stops: (() => void)[] = [];
  #cancelAsk = (): void => {};
  #cancelSweep = (): void => {};
  readonly #followUps = { sinceMs: Number.NEGATIVE_INFINITY, count: 0 };

  /** `type`: `_atmosphere._tcp`. */
  constructor(network: LocalNetwork, type: string) {
    this.#network = network;
    this.#type = `${type}.local`;
    this.#heard = new HeardServices(type);
    this.#stops.push(network.opened.on((link) => this.#join(link)));
    for (const link of network.links()) this.#join(link);
    this.#askOn(FIRST_PAUSE_MS);
  }

  services(): LanService[] {
    return this.#heard.services(this.#network.clock.monotonicMs());
  }

  [Symbol.dispose](): void {
    this.#cancelAsk();
    this.#cancelSweep();
    for (const stop of this.#stops.splice(0)) stop();
  }

  #join(link: Link): void {
    this.#stops.push(link.events.on((event) => this.#onEvent(link, event)));
    this.#ask(link);
  }

  /** Again and again, at ever longer intervals. */
  #askOn(pauseMs: number): void {
    this.#cancelAsk = this.#network.clock.after(pauseMs, () => {
      for (const link of this.#network.links()) this.#ask(link);
      this.#askOn(Math.min(pauseMs * 2, LAN_LIMITS.askEveryMs));
    });
  }

  #ask(link: Link): void {
    link.ask({ questions: [{ name: this.#type, type: 'PTR' }] });
  }

  #onEvent(link: Link, { kind, packet, from }: LinkEvent): void {
    if (kind !== 'response') return;
    const { found, lost, incomplete } = this.#heard.take(packet, from.address, this.#network.clock.monotonicMs());
    for (const service of lost) this.events.emit({ on: 'lost', service });
    for (const service of found) this.events.emit({ on: 'found', service });
    for (const instance of incomplete) this.#askMore(link, instance);
    if (found.length + lost.length + incomplete.length > 0) this.#sweepLater();
  }

  #askMore(link: Link, instance: string): void {
    const nowMs = this.#network.clock.monotonicMs();
    if (nowMs - this.#followUps.sinceMs >= 1000) Object.assign(this.#followUps, { sinceMs: nowMs, count: 0 });
    this.#followUps.count += 1;
    if (this.#followUps.count > LAN_LIMITS.followUpsPerSecond) return;
    const name = `${instance}.${this.#type}`;
    link.ask({
      questions: [
        { name, type: 'SRV' },
        { name, type: 'TXT' },
      ],
    });
  }

  #sweepLater(): void {
    this.#cancelSweep();
    const { clock } = this.#network;
    const nextMs = this.#heard.nextEndMs();
    if (!Number.isFinite(nextMs)) return;
    this.#cancelSweep = clock.after(Math.max(1, nextMs - clock.monotonicMs()), () => {
      for (const service of this.#heard.expire(clock.monotonicMs())) this.events.emit({ on: 'lost', service });
      this.#sweepLater();
    });
  }
}
