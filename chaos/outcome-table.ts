/** How the runs ended, by fault: a run counts in the row of each fault that it had. */
import type { RunEnd } from './run-engine.ts';

interface Row {
  runs: number;
  whole: number;
  failed: number;
  violated: number;
  lives: number;
}

export class OutcomeTable {
  readonly #rows = new Map<string, Row>();
  readonly #ends = new Map<string, number>();
  readonly #leftOut = new Map<string, number>();

  add(faults: readonly string[], { end, lives, violations, leftOut }: RunEnd): void {
    for (const fault of ['all runs', ...faults]) {
      const row = this.#rows.get(fault) ?? { runs: 0, whole: 0, failed: 0, violated: 0, lives: 0 };
      row.runs += 1;
      row.lives += lives;
      if (violations.length > 0) row.violated += 1;
      else if (end === 'whole') row.whole += 1;
      else row.failed += 1;
      this.#rows.set(fault, row);
    }
    this.#ends.set(end, (this.#ends.get(end) ?? 0) + 1);
    for (const what of leftOut) this.#leftOut.set(what, (this.#leftOut.get(what) ?? 0) + 1);
  }

  lines(): string[] {
    const title = ['fault', 'runs', 'whole file', 'clear failure', 'VIOLATED', 'lives'];
    const rows = [...this.#rows].sort(
      ([a], [b]) => Number(b === 'all runs') - Number(a === 'all runs') || a.localeCompare(b),
    );
    const cells = rows.map(([fault, row]) =>
      [fault, row.runs, row.whole, row.failed, row.violated, row.lives].map(String),
    );
    const ends = [...this.#ends].sort((a, b) => b[1] - a[1]).map(([end, runs]) => `${end} ${runs}`);
    return [
      '',
      ...[title, ...cells].map((row) =>
        row.map((cell, at) => (at === 0 ? cell.padEnd(20) : cell.padStart(14))).join(''),
      ),
      `ends: ${ends.join(', ')}`,
      ...[...this.#leftOut].map(([what, runs]) => `NOT DONE HERE in ${runs} runs: ${what}`),
    ];
  }
}
