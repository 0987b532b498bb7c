/** What listing a pickle's opcodes tells. Spec: docs/spec/07-formats.md §5. */

/**
 * `dangerous`: runs commands, code or network by itself. `known`: what ordinary models are made of. `unknown`: anything else,
 * and names that only the real machine would know.
 */
export type ImportVerdict = 'dangerous' | 'known' | 'unknown';

export interface PickleImport {
  /** `?` where the pickle computes it. */
  readonly module: string;
  readonly name: string;
  /** The opcode that imports. */
  readonly by: 'GLOBAL' | 'STACK_GLOBAL' | 'INST' | 'EXT';
  /** Is it called, or made an object of, as well? */
  called: boolean;
  readonly verdict: ImportVerdict;
}

export interface PickleReport {
  readonly imports: readonly PickleImport[];
  /** How many pickles were walked. */
  readonly pickles: number;
  /** Everything that could not be listed, and why; the imports are then those that come before. Empty: they are all. */
  readonly faults: readonly string[];
}

/** Gathers over all pickles of a file. */
export class PickleFindings {
  readonly #imports = new Map<string, PickleImport>();
  readonly #faults = new Set<string>();
  readonly #most: { readonly imports: number; readonly faults: number };
  pickles = 0;

  constructor(most: { readonly imports: number; readonly faults: number }) {
    this.#most = most;
  }

  /** The one that stands for this import; told twice it is listed once. */
  add(found: PickleImport): PickleImport {
    const key = `${found.by}\n${found.module}\n${found.name}`;
    const known = this.#imports.get(key);
    if (known !== undefined) return known;
    if (this.#imports.size >= this.#most.imports) this.fault(`more than ${this.#most.imports} imports`);
    else this.#imports.set(key, found);
    return found;
  }

  fault(why: string): void {
    if (this.#faults.size < this.#most.faults) this.#faults.add(why);
  }

  report(): PickleReport {
    return { imports: [...this.#imports.values()], pickles: this.pickles, faults: [...this.#faults] };
  }
}
