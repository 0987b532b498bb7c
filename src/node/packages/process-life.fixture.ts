/** For tests of installs: a process that ends at a moment, and ports that fail. */
import type { PackageRepository } from '../../registry/index.ts';
import type { InstallPorts } from './install-ports.ts';

/** Each call is two moments at which a process may end: before its effect, and after. Later calls never answer. */
export class Life {
  readonly ended: Promise<void>;
  readonly #endAt: number;
  readonly #end: () => void;
  #moments = 0;
  #isOver = false;

  constructor(endAt: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#endAt = endAt;
  }

  wrapPorts(ports: InstallPorts): InstallPorts {
    const wrapped = Object.entries(ports).map(([name, port]) => [name, this.#wrapCalls(port as object, true)]);
    return Object.fromEntries(wrapped) as InstallPorts;
  }

  wrapRows(rows: PackageRepository): PackageRepository {
    return { ...this.#wrapCalls(rows, false), journal: this.#wrapCalls(rows.journal, false), trust: rows.trust };
  }

  #wrapCalls<Port extends object>(port: Port, isAsync: boolean): Port {
    return new Proxy(port, {
      get: (target, name) => {
        const value = Reflect.get(target, name) as unknown;
        if (typeof value !== 'function') return value;
        if (['list', 'get', 'toRows', 'manifestOf'].includes(String(name))) return value.bind(target);
        const act = (...given: unknown[]) => (value as (...all: unknown[]) => unknown).apply(target, given);
        return isAsync
          ? (...given: unknown[]) => this.#later(() => act(...given))
          : (...given: unknown[]) => this.#now(() => act(...given));
      },
    });
  }

  async #later(act: () => unknown): Promise<unknown> {
    if (this.#isMoment()) return await new Promise(() => {});
    const answer = await act();
    if (this.#isMoment()) return await new Promise(() => {});
    return answer;
  }

  /** A call that answers at once cannot hang: it throws, and whoever goes on is over. */
  #now(act: () => unknown): unknown {
    if (this.#isMoment()) throw new Error('the process has ended');
    const answer = act();
    if (this.#isMoment()) throw new Error('the process has ended');
    return answer;
  }

  #isMoment(): boolean {
    if (this.#isOver) return true;
    this.#isOver = this.#moments === this.#endAt;
    this.#moments += 1;
    if (this.#isOver) this.#end();
    return this.#isOver;
  }
}

/** `models.install`, `config.apply` and so on. */
export function failWhereTold(ports: InstallPorts, failing: ReadonlyMap<string, string>): InstallPorts {
  const wrapped = Object.entries(ports).map(([name, port]) => [
    name,
    new Proxy(port as object, {
      get(target, call) {
        const value = Reflect.get(target, call) as unknown;
        if (typeof value !== 'function') return value;
        return async (...given: unknown[]) => {
          const version = failing.get(`${name}.${String(call)}`);
          if (version !== undefined && JSON.stringify(given).includes(`"version":"${version}"`))
            throw new Error('no such luck');
          return await (value as (...all: unknown[]) => unknown).apply(target, given);
        };
      },
    }),
  ]);
  return Object.fromEntries(wrapped) as InstallPorts;
}
