/**
 * Shows progress on stderr: a block of bars redrawn in place on a terminal, lines elsewhere. Whoever writes anything
 * else while a block stands calls `clear` first; `end` leaves the cursor on a clean line.
 */
import { type Clock, systemClock } from '../core/index.ts';
import { clip } from './display-width.ts';
import type { Terminal } from './io.ts';
import { CLI_LIMITS } from './limits.ts';
import {
  isWorthALine,
  type PlainState,
  type ProgressView,
  percentOf,
  renderBar,
  renderPlain,
} from './progress-line.ts';

export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #silent: boolean;
  readonly #plain = new Map<string, PlainState>();
  #last: ReadonlySet<string> = new Set();
  #drawnLines = 0;
  #drawnAtMs = Number.NEGATIVE_INFINITY;

  constructor(terminal: Terminal, options: { readonly silent: boolean; readonly clock?: Clock }) {
    this.#terminal = terminal;
    this.#silent = options.silent;
    this.#clock = options.clock ?? systemClock;
  }

  show(views: readonly ProgressView[]): void {
    if (this.#silent) return;
    if (this.#terminal.isTty) this.#redraw(views);
    else for (const view of views) this.#line(view);
  }

  /** Lines as they are: in place on a terminal; elsewhere those that were not among the last ones. */
  draw(lines: readonly string[]): void {
    if (this.#silent) return;
    const { isTty, columns } = this.#terminal;
    const news = isTty
      ? lines.map((line) => clip(line, (columns || 80) - 1))
      : lines.filter((line) => !this.#last.has(line));
    this.#terminal.write((isTty ? rewind(this.#drawnLines) : '') + news.map((line) => `${line}\n`).join(''));
    this.#drawnLines = isTty ? lines.length : 0;
    this.#last = new Set(lines);
  }

  clear(): void {
    if (this.#drawnLines === 0) return;
    this.#terminal.write(rewind(this.#drawnLines));
    this.#drawnLines = 0;
    this.#drawnAtMs = Number.NEGATIVE_INFINITY;
  }

  end(): void {
    this.clear();
    this.#plain.clear();
  }

  #redraw(views: readonly ProgressView[]): void {
    const nowMs = this.#clock.monotonicMs();
    if (nowMs - this.#drawnAtMs < CLI_LIMITS.redrawMs) return;
    const lines = views.map((view) => `${renderBar(view, this.#terminal.columns || 80)}\n`);
    this.#terminal.write(rewind(this.#drawnLines) + lines.join(''));
    this.#drawnLines = lines.length;
    this.#drawnAtMs = nowMs;
  }

  #line(view: ProgressView): void {
    const now = { percent: percentOf(view), atMs: this.#clock.monotonicMs() };
    if (!isWorthALine(this.#plain.get(view.label), now)) return;
    this.#plain.set(view.label, now);
    this.#terminal.write(`${renderPlain(view)}\n`);
  }
}

/** Back to the first of `lines` lines, and everything below erased. */
function rewind(lines: number): string {
  return lines === 0 ? '' : `\u001b[${lines}A\r\u001b[J`;
}
