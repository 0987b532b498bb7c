/** Where results, notes and errors go. Spec: docs/spec/11-cli.md §5. */
import { styleText } from 'node:util';
import { printable, printableLine } from './display-width.ts';
import type { Terminal } from './io.ts';
import { Progress } from './progress.ts';
import { type Column, layoutTable } from './table.ts';

type Style = 'bold' | 'green' | 'red' | 'yellow';

export interface OutputOptions {
  readonly stdout: Terminal;
  readonly stderr: Terminal;
  readonly json: boolean;
  readonly color: boolean;
  readonly quiet: boolean;
}

export class Output {
  readonly progress: Progress;
  readonly #options: OutputOptions;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.progress = new Progress(options.stderr, { silent: options.quiet || options.json });
  }

  get json(): boolean {
    return this.#options.json;
  }

  /** A result: the document with `--json`, the lines otherwise. */
  answer(document: unknown, lines: () => readonly string[]): void {
    if (this.#options.json) this.event(document);
    else for (const line of lines()) this.#print(line);
  }

  /** One JSON value on a line of stdout. */
  event(value: unknown): void {
    this.#options.stdout.write(`${JSON.stringify(value)}\n`);
  }

  /** One line of a result that grows, when people read it. */
  line(text: string): void {
    this.progress.clear();
    if (!this.#options.json) this.#print(text);
  }

  /** What is nice to know; not with `--quiet`. */
  note(text: string): void {
    if (!this.#options.quiet) this.warn(text);
  }

  warn(text: string): void {
    this.progress.clear();
    this.#options.stderr.write(`${printable(text)}\n`);
  }

  error(message: string, rest: readonly string[] = []): void {
    this.progress.end();
    const head = paint('red', 'error:', this.#options.color && this.#options.stderr.isTty);
    this.#options.stderr.write(`${head} ${printable(message)}\n`);
    for (const line of rest) this.#options.stderr.write(`${printable(line)}\n`);
  }

  table(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
    const [header = '', ...lines] = layoutTable(columns, rows, this.#options.stdout.columns);
    return [this.paint('bold', header), ...lines];
  }

  #print(text: string): void {
    for (const line of text.split('\n')) this.#options.stdout.write(`${printableLine(line)}\n`);
  }

  /** For text on stdout. */
  paint(style: Style, text: string): string {
    return paint(style, text, this.#options.color && this.#options.stdout.isTty);
  }
}

function paint(style: Style, text: string, color: boolean): string {
  return color ? styleText(style, text, { validateStream: false }) : text;
}
