/** A few files that stay open between reads; the one that was not read for longest is closed, never one that is being read. */
import { ATMO_LIMITS } from '../limits.ts';

interface Held<File> {
  readonly file: Promise<File>;
  users: number;
}

export class OpenFiles<File extends AsyncDisposable> implements AsyncDisposable {
  readonly #open: (path: string) => Promise<File>;
  /** The one read last is the last. */
  readonly #held = new Map<string, Held<File>>();

  constructor(open: (path: string) => Promise<File>) {
    this.#open = open;
  }

  async use<Answer>(path: string, doWith: (file: File) => Promise<Answer>): Promise<Answer> {
    const held = this.#held.get(path) ?? { file: this.#open(path), users: 0 };
    this.#held.delete(path);
    this.#held.set(path, held);
    held.users += 1;
    try {
      return await doWith(await held.file);
    } catch (thrown) {
      await held.file.catch(() => this.#held.delete(path));
      throw thrown;
    } finally {
      held.users -= 1;
      await this.#closeIdle();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const all = [...this.#held.values()];
    this.#held.clear();
    for (const { file } of all) await (await file)[Symbol.asyncDispose]();
  }

  async #closeIdle(): Promise<void> {
    for (const [path, { file, users }] of this.#held) {
      if (this.#held.size <= ATMO_LIMITS.openFiles) return;
      if (users > 0) continue;
      this.#held.delete(path);
      await (await file)[Symbol.asyncDispose]();
    }
  }
}
