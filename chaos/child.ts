/** A child process of a run: orders by IPC, reports as lines, its end. Ended by pid and never by name. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const LAST_WORDS = 4000;

export class Child<Order extends object, Report> {
  readonly #process: ChildProcess;
  readonly #gone: Promise<unknown>;
  #stderr = '';

  constructor(script: string, folder: string, onReport: (report: Report) => void) {
    this.#process = fork(join(import.meta.dirname, script), [], {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: { ...process.env, TMPDIR: folder },
    });
    const { stdout, stderr } = this.#process;
    if (stdout === null || stderr === null) throw new Error('a child without pipes');
    stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-LAST_WORDS);
    });
    const lines = createInterface({ input: stdout }).on('line', (line) => {
      // A line that the kill tore is no report.
      if (line.endsWith('}')) onReport(JSON.parse(line) as Report);
    });
    this.#gone = Promise.all([once(this.#process, 'exit'), once(lines, 'close')]);
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get isGone(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  get lastWords(): string {
    return this.#stderr;
  }

  order(order: Order): void {
    if (this.#process.connected) this.#process.send(order, () => {});
  }

  /** When the process has ended and its last line was read. */
  async gone(): Promise<void> {
    await this.#gone;
  }

  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#gone;
  }

  /** Lets it end by itself, as it must when nothing is left to do. False when it had to be killed. */
  async leave(patienceMs: number): Promise<boolean> {
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill('SIGKILL'), patienceMs);
    await this.#gone;
    clearTimeout(timer);
    return this.#process.exitCode === 0;
  }

  peakBytes(): number {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  /** What it has open that a run could have left: sockets beyond those it was born with, files of a folder. */
  openHandles(folder: string): string[] {
    return openHandles(this.pid, folder);
  }
}

export function openHandles(pid: number, folder: string): string[] {
  const names = readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)];
    } catch {
      return [];
    }
  });
  return names.filter((name) => name.startsWith('socket:') || name.startsWith(folder));
}
