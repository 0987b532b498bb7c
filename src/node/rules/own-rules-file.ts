/**
 * `<home>/config/deployment_rules.yaml`: the owner's own rules, when it is there. Looked at every few seconds; a file with a mistake
 * changes nothing, and says what is wrong. Spec: docs/spec/18-rules.md §5.
 */
import { readFile, stat } from 'node:fs/promises';
import { type Clock, Emitter, messageOf, systemCodeOf } from '../../core/index.ts';
import { type RuleComplaint, type RuleSet, type RuleSurroundings, readRules } from '../../deploy/index.ts';
import { PROTOCOL_LIMITS } from '../../protocol/index.ts';
import { NODE_LIMITS } from '../limits.ts';

export interface OwnRulesOptions {
  readonly path: string;
  readonly clock: Clock;
  /** What warnings come of. */
  surroundings(): RuleSurroundings;
}

export class OwnRulesFile implements Disposable {
  readonly changes = new Emitter<void>();
  readonly #options: OwnRulesOptions;
  /** Size and time of the file that was read last; empty where there was none. */
  #mark = '';
  #set: RuleSet | undefined;
  #complaints: readonly RuleComplaint[] = [];
  #cancel = (): void => {};
  #isClosed = false;

  constructor(options: OwnRulesOptions) {
    this.#options = options;
  }

  get path(): string {
    return this.#options.path;
  }

  /** The last good one, as long as the file is there. */
  get set(): RuleSet | undefined {
    return this.#set;
  }

  get complaints(): readonly RuleComplaint[] {
    return this.#complaints;
  }

  /** Resolves when the file was read for the first time. */
  async start(): Promise<void> {
    await this.look();
    if (this.#isClosed) return;
    this.#cancel = this.#options.clock.after(NODE_LIMITS.ownRulesLookMs, () => void this.start());
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    this.#cancel();
  }

  /** Reads the file if it is another one than before. Never throws. */
  async look(): Promise<void> {
    const before = this.#mark;
    try {
      const found = await stat(this.path);
      this.#mark = `${found.size} ${found.mtimeMs} ${found.ino}`;
      if (this.#mark === before) return;
      if (!found.isFile() || found.size > MAX_FILE_BYTES) this.#complain(`it has ${found.size} bytes, or is no file`);
      else this.#take(await readFile(this.path, 'utf8'), Math.floor(found.mtimeMs));
    } catch (thrown) {
      this.#mark = '';
      if (systemCodeOf(thrown) !== 'ENOENT') this.#complain(messageOf(thrown));
      else if (before === '' && this.#set === undefined) return;
      else this.#forget();
    }
    if (!this.#isClosed) this.changes.emit();
  }

  #take(text: string, changedAtMs: number): void {
    const { rules, complaints } = readRules(text, this.#options.surroundings());
    this.#complaints = complaints;
    if (rules !== undefined) this.#set = { name: OWN_SET, rules, author: undefined, orderedAtMs: changedAtMs };
  }

  #complain(message: string): void {
    this.#complaints = [{ line: 1, column: 1, path: '', severity: 'error', message }];
  }

  #forget(): void {
    this.#set = undefined;
    this.#complaints = [];
  }
}

const OWN_SET = 'own';
const MAX_FILE_BYTES = PROTOCOL_LIMITS.recordBytes;
