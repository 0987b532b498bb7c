/**
 * One process for one task: its document goes in, one line comes out, and whatever it does else is ended at a named bound. Owns
 * the process: when the promise settles, the process and its group are gone. Spec: docs/spec/17-deployment.md §5.2, §5.3.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { formatBytes, messageOf } from '../../core/index.ts';
import type { Allowance } from '../allowance.ts';
import { RuntimeError } from '../errors.ts';
import { RUNTIMES_LIMITS } from '../limits.ts';
import { toWords } from '../words.ts';
import { watchMemory } from './memory-watch.ts';

export interface ChildWork {
  /** The program: a module. */
  readonly module: URL;
  readonly task: unknown;
  readonly allowance: Allowance;
  /** What errors are about: `Trying fraud-detector 2.0`. */
  readonly action: string;
}

export interface ChildLine {
  readonly line: string;
  readonly peakBytes: number;
}

/** What drivers and loaders of libraries look at; nothing of the node's own. */
const ENVIRONMENT = [
  'LD_LIBRARY_PATH',
  'DYLD_LIBRARY_PATH',
  'CUDA_VISIBLE_DEVICES',
  'CUDA_PATH',
  'HIP_VISIBLE_DEVICES',
  'SystemRoot',
  'TMPDIR',
  'TEMP',
] as const;

/** Throws RuntimeError `probe_timed_out`, `probe_memory`, `probe_crashed`, `probe_not_started`, `cancelled`. */
export function runChild(work: ChildWork, signal: AbortSignal): Promise<ChildLine> {
  if (signal.aborted) return Promise.reject(cancelled(work));
  return new ChildRun(work).result(signal);
}

class ChildRun {
  readonly #work: ChildWork;
  readonly #child: ChildProcess;
  #stdout = '';
  #stderr = '';
  #peakBytes = 0;
  /** Why it was ended by us, if it was. */
  #verdict: RuntimeError | undefined;
  #line: string | undefined;
  #notStarted: unknown;

  constructor(work: ChildWork) {
    this.#work = work;
    this.#child = start(work);
  }

  async result(signal: AbortSignal): Promise<ChildLine> {
    const { action, allowance, task } = this.#work;
    const { timeMs, memoryBytes } = allowance;
    const closed = this.#listen();
    const onAbort = () => this.#end(cancelled(this.#work));
    signal.addEventListener('abort', onAbort, { once: true });
    const late = new RuntimeError('probe_timed_out', `${action}: no answer in ${Math.round(timeMs / 1000)} s`);
    const timer = setTimeout(() => this.#end(late), timeMs);
    const unwatch = watchMemory(this.#child.pid, (bytes) => this.#see(bytes, memoryBytes));
    try {
      this.#child.stdin?.end(JSON.stringify(task));
      const [code, killedBy] = await closed;
      return this.#conclude(code, killedBy);
    } finally {
      unwatch();
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    }
  }

  #listen(): Promise<[number | null, NodeJS.Signals | null]> {
    const { stdin, stdout, stderr } = this.#child;
    // It may be gone before it has read its task; its end says more than this.
    stdin?.on('error', () => {});
    stdout?.setEncoding('utf8').on('data', (text: string) => this.#hear(text));
    stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-RUNTIMES_LIMITS.stderrBytes);
    });
    return new Promise((resolve) => {
      this.#child.once('error', (error) => {
        this.#notStarted = error;
        if (this.#child.pid === undefined) resolve([null, null]);
      });
      this.#child.once('close', (code, killedBy) => resolve([code, killedBy]));
      // Whoever left the group may still hold the pipes: what was read until then is all there is.
      this.#child.once('exit', (code, killedBy) => {
        setTimeout(() => {
          for (const pipe of [stdin, stdout, stderr]) pipe?.destroy();
          resolve([code, killedBy]);
        }, RUNTIMES_LIMITS.closeGraceMs).unref();
      });
    });
  }

  /** The first line is the answer. Nothing else is waited for: a runtime's own end may hang or crash. */
  #hear(text: string): void {
    if (this.#line !== undefined) return;
    this.#stdout += text;
    const end = this.#stdout.indexOf('\n');
    if (end >= 0 && end <= RUNTIMES_LIMITS.answerBytes) {
      this.#line = this.#stdout.slice(0, end);
      this.#kill();
    } else if (this.#stdout.length > RUNTIMES_LIMITS.answerBytes) {
      const what = `its process answered with more than ${RUNTIMES_LIMITS.answerBytes} bytes`;
      this.#end(new RuntimeError('probe_crashed', `${this.#work.action}: ${what}`));
    }
  }

  #see(bytes: number, allowedBytes: number): void {
    this.#peakBytes = Math.max(this.#peakBytes, bytes);
    if (bytes <= allowedBytes) return;
    const what = `it took ${formatBytes(bytes)} of memory, and ${formatBytes(allowedBytes)} are allowed`;
    this.#end(new RuntimeError('probe_memory', `${this.#work.action}: ${what}`, { data: { allowedBytes } }));
  }

  #end(verdict: RuntimeError): void {
    this.#verdict ??= verdict;
    this.#kill();
  }

  #kill(): void {
    const { pid, exitCode, signalCode } = this.#child;
    if (pid === undefined || exitCode !== null || signalCode !== null) return;
    try {
      if (process.platform === 'win32') this.#child.kill('SIGKILL');
      else process.kill(-pid, 'SIGKILL');
    } catch {
      // It has just ended by itself.
    }
  }

  #conclude(code: number | null, killedBy: NodeJS.Signals | null): ChildLine {
    const { action } = this.#work;
    if (this.#line !== undefined) return { line: this.#line, peakBytes: this.#peakBytes };
    if (this.#verdict !== undefined) throw this.#verdict;
    if (this.#notStarted !== undefined)
      throw new RuntimeError('probe_not_started', `${action}: ${messageOf(this.#notStarted)}`, {
        cause: this.#notStarted,
      });
    const how = killedBy === null ? `ended with ${code} and no answer` : `was ended by ${killedBy}`;
    const said = toWords(this.#stderr.slice(-RUNTIMES_LIMITS.runtimeWordsChars));
    const data = { exitCode: code, signal: killedBy };
    throw new RuntimeError('probe_crashed', `${action}: its process ${how}${said === '' ? '' : `; ${said}`}`, { data });
  }
}

function start({ module }: ChildWork): ChildProcess {
  const flags = [`--max-old-space-size=${RUNTIMES_LIMITS.probeHeapMB}`, '--no-warnings'];
  const child = spawn(process.execPath, [...flags, fileURLToPath(module), String(process.pid)], {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: reducedEnvironment(),
    cwd: parse(process.execPath).root,
    // A session and group of its own: one signal ends it with all that it started, and a terminal's Ctrl-C does not reach it.
    detached: true,
    windowsHide: true,
  });
  if (child.pid !== undefined) giveWay(child.pid);
  return child;
}

/** The node and everybody else go first, for the processor and, on Linux, when memory ends. */
function giveWay(pid: number): void {
  try {
    setPriority(pid, constants.priority.PRIORITY_LOW);
    if (process.platform === 'linux') writeFileSync(`/proc/${pid}/oom_score_adj`, '1000');
  } catch {
    // A machine that does not allow it runs the probe all the same.
  }
}

function reducedEnvironment(): NodeJS.ProcessEnv {
  const kept = ENVIRONMENT.map((name) => [name, process.env[name]] as const);
  return Object.fromEntries(kept.filter(([, value]) => value !== undefined));
}

function cancelled({ action }: ChildWork): RuntimeError {
  return new RuntimeError('cancelled', `${action}: stopped`);
}
