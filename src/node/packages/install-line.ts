/** Installs stand in line: one at a time touches the disk, and each finds what the one before it left. */
import { PackageError } from './errors.ts';
import { PACKAGE_LIMITS } from './limits.ts';

export class InstallLine {
  readonly #ids: string[] = [];
  #last: Promise<unknown> = Promise.resolve();

  get length(): number {
    return this.#ids.length;
  }

  /** Also while another of that package is under way. Throws PackageError `too_many_waiting`, and what `act` throws. */
  async inTurn<T>(id: string, act: () => Promise<T>): Promise<T> {
    if (this.#ids.length > PACKAGE_LIMITS.waitingInstalls)
      throw new PackageError('too_many_waiting', `Installing ${id}: ${this.#ids.length} others are under way or wait`);
    this.#ids.push(id);
    const turn = this.#last.then(act);
    this.#last = turn.catch(() => {});
    try {
      return await turn;
    } finally {
      this.#ids.splice(this.#ids.indexOf(id), 1);
    }
  }

  /** For what would mean something else when another has ended. Throws PackageError `package_busy`, else as `inTurn`. */
  async ifFree<T>(id: string, act: () => Promise<T>, doing = 'Rolling back'): Promise<T> {
    if (this.#ids.includes(id))
      throw new PackageError('package_busy', `${doing} ${id}: it is being installed, rolled back or removed already`);
    return await this.inTurn(id, act);
  }

  /** Resolves when nobody is left. */
  async idle(): Promise<void> {
    while (this.#ids.length > 0) await this.#last;
  }
}
