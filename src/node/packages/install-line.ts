/** Installs stand in line: one at a time touches the disk, and of one package there is never a second. */
import { PackageError } from './errors.ts';
import { PACKAGE_LIMITS } from './limits.ts';

export class InstallLine {
  readonly #ids = new Set<string>();
  #last: Promise<unknown> = Promise.resolve();

  has(id: string): boolean {
    return this.#ids.has(id);
  }

  get length(): number {
    return this.#ids.size;
  }

  /** Throws PackageError `package_busy`, `too_many_waiting`, and what `act` throws. */
  async inTurn<T>(id: string, act: () => Promise<T>): Promise<T> {
    if (this.#ids.has(id))
      throw new PackageError('package_busy', `Installing ${id}: it is being installed or rolled back already`);
    if (this.#ids.size > PACKAGE_LIMITS.waitingInstalls)
      throw new PackageError('too_many_waiting', `Installing ${id}: ${this.#ids.size} others are under way or wait`);
    this.#ids.add(id);
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#ids.delete(id);
    }
  }

  /** Resolves when nobody is left. */
  async idle(): Promise<void> {
    while (this.#ids.size > 0) await this.#last;
  }
}
