/**
 * Which connections are admitted. Spec: docs/spec/03-trust.md §8. One decision a connection, made once, at the latest
 * when its time is over; what waits for it is told. Forgotten when the connection closes.
 */
import type { Connection } from '@libp2p/interface';
import { MESH_LIMITS } from '../limits.ts';

interface Entry {
  readonly decided: Promise<boolean>;
  readonly decide: (admitted: boolean) => void;
  admitted: boolean | undefined;
}

export class Admissions {
  readonly #entries = new Map<string, Entry>();
  readonly #onLate: (connection: Connection) => void;

  /** `onLate` hears of connections that nobody decided in time. */
  constructor(onLate: (connection: Connection) => void) {
    this.#onLate = onLate;
  }

  /** True once admitted, false once refused, late or closed. */
  wait(connection: Connection): Promise<boolean> {
    return this.#entry(connection).decided;
  }

  isAdmitted(connection: Connection): boolean {
    return this.#entries.get(connection.id)?.admitted === true;
  }

  /** The first decision stands; false when there was one already. */
  decide(connection: Connection, admitted: boolean): boolean {
    const entry = this.#entry(connection);
    if (entry.admitted !== undefined) return false;
    entry.admitted = admitted;
    entry.decide(admitted);
    return true;
  }

  #entry(connection: Connection): Entry {
    const known = this.#entries.get(connection.id);
    if (known !== undefined) return known;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(() => {
      if (this.decide(connection, false)) this.#onLate(connection);
    }, MESH_LIMITS.admissionTimeoutMs);
    timer.unref();
    const entry: Entry = {
      decided: promise,
      admitted: undefined,
      decide: (admitted) => {
        clearTimeout(timer);
        resolve(admitted);
      },
    };
    if (connection.status !== 'open') {
      entry.admitted = false;
      entry.decide(false);
      return entry;
    }
    this.#entries.set(connection.id, entry);
    connection.addEventListener('close', () => {
      this.decide(connection, false);
      this.#entries.delete(connection.id);
    });
    return entry;
  }
}
