/** Shows a service to the networks of this machine, until it is taken back. Spec: docs/spec/24-local-network.md §2. */
import { LAN_LIMITS } from './limits.ts';
import type { Link } from './link.ts';
import { LinkTeller } from './link-teller.ts';
import type { LocalNetwork } from './local-network.ts';
import { type OwnService, toLabel } from './own-service.ts';

export interface Advertisement extends AsyncDisposable {
  /** Under which name it is shown: another one than was asked for when somebody had that. */
  readonly instance: string;
  /** What it says, or where it listens, is another from now on. */
  change(service: OwnService): void;
}

export interface AdvertiseOptions {
  /** Put after the instance's name when another machine has it; unique in the network. */
  readonly suffix: string;
}

/** Disposing of it tells others that the service is gone. */
export function advertise(network: LocalNetwork, service: OwnService, { suffix }: AdvertiseOptions): Advertisement {
  const tellers = new Map<Link, LinkTeller>();
  let [wanted, isRenamed] = [service, false];
  const current = (): OwnService => (isRenamed ? { ...wanted, instance: withSuffix(wanted.instance, suffix) } : wanted);
  const onConflict = (): void => {
    // Once: its new name is unique, and whoever claims that one too means harm.
    if (isRenamed) return;
    isRenamed = true;
    for (const teller of tellers.values()) teller.change(current());
  };
  const open = (link: Link): void => {
    for (const [known, teller] of tellers) {
      if (network.links().includes(known)) continue;
      teller[Symbol.dispose]();
      tellers.delete(known);
    }
    tellers.set(link, new LinkTeller(link, network.clock, current(), onConflict));
  };
  const stop = network.opened.on(open);
  for (const link of network.links()) open(link);
  return {
    get instance() {
      return toLabel(current().instance);
    },
    change(other) {
      if (JSON.stringify(other) === JSON.stringify(wanted)) return;
      wanted = other;
      for (const teller of tellers.values()) teller.change(current());
    },
    async [Symbol.asyncDispose]() {
      stop();
      const told = Promise.all([...tellers.values()].map((teller) => teller.goodbye()));
      for (const teller of tellers.values()) teller[Symbol.dispose]();
      await Promise.race([told, elapsed(network, LAN_LIMITS.goodbyeMs)]);
    },
  };
}

/** Room is made for the suffix, or the longest names would stay the same. */
function withSuffix(instance: string, suffix: string): string {
  let name = toLabel(instance);
  while (name !== '' && !toLabel(`${name} ${suffix}`).endsWith(suffix)) name = name.slice(0, -1);
  return `${name} ${suffix}`.trim();
}

function elapsed({ clock }: LocalNetwork, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.after(delayMs, resolve));
}
