/** How an install is, as the control API tells it: a line at each step, how fast the bytes come, what became of it. */
import type { InstalledPackageRow, PackageEvent } from '../../api/index.ts';
import { AtmosphereError, type Clock, messageOf } from '../../core/index.ts';
import type { ConfigChange, InstallEvent, InstalledResult } from '../packages/ports.ts';

/** One run: it remembers when bytes began to come. */
export class PackageEvents {
  readonly #clock: Clock;
  #began: { readonly atMs: number; readonly doneBytes: number } | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Of everything but the result. */
  of(event: Exclude<InstallEvent, InstalledResult>): PackageEvent {
    if (event.on === 'note') return { event: 'note', message: event.message };
    if (event.on === 'progress') return this.#progress(event.doneBytes, event.totalBytes);
    const { id, version, step } = event;
    const named = { ...(id === undefined ? {} : { id }), ...(version === undefined ? {} : { version }) };
    return { event: 'step', ...named, step: step as NonNullable<PackageEvent['step']> };
  }

  #progress(doneBytes: number, totalBytes: number): PackageEvent {
    const nowMs = this.#clock.monotonicMs();
    this.#began ??= { atMs: nowMs, doneBytes };
    const seconds = (nowMs - this.#began.atMs) / 1000;
    const rate = seconds <= 0 ? 0 : (doneBytes - this.#began.doneBytes) / seconds;
    const speed =
      rate <= 0 ? {} : { rate_bytes_per_second: rate, eta_seconds: Math.ceil((totalBytes - doneBytes) / rate) };
    return { event: 'progress', step: 'store', done_bytes: doneBytes, total_bytes: totalBytes, ...speed };
  }
}

export function toConfigEvent({ path, change, previous, diff }: ConfigChange): PackageEvent {
  const kept = previous === undefined ? '' : `; what was there is ${previous}`;
  return { event: 'config', path, message: `${change}${kept}`, diff };
}

export function toCompleted(result: InstalledResult, row: InstalledPackageRow | undefined): PackageEvent {
  const { id, version, tier, isUnchanged, readBytes } = result;
  const named = { id, version, tier: tier as PackageEvent['tier'] };
  return {
    event: 'completed',
    ...named,
    already_here: isUnchanged,
    read_bytes: readBytes,
    ...(row === undefined ? {} : { package: row }),
  };
}

/** With how many packages are here, for what to try. Throws what is none of our errors. */
export function toFailed(thrown: unknown, installedPackages = 0): PackageEvent {
  if (!(thrown instanceof AtmosphereError)) throw thrown;
  const facts = Object.entries(thrown.data).filter(
    ([, value]) => typeof value === 'string' || typeof value === 'number',
  );
  const { code, kind } = thrown;
  return {
    event: 'failed',
    error: messageOf(thrown),
    code,
    kind,
    data: {
      ...Object.fromEntries(facts),
      ...(installedPackages === 0 ? {} : { installed_packages: installedPackages }),
    },
  };
}
