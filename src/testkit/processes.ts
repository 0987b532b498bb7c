/**
 * Real nodes as real processes, each with a home of its own under one temporary folder. Used by the end-to-end tests, the
 * demo and the benchmarks. `close()` ends every process started here, by pid, and deletes the folder.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const CHECKOUT = join(import.meta.dirname, '..', '..');
const MAIN = join(CHECKOUT, 'dist', 'cli', 'main.js');
/** Only to end what hangs: a machine with much else to do takes long. */
const READY_TIMEOUT_MS = 60_000;
const COMMAND_TIMEOUT_MS = 45_000;

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ReadyEvent {
  readonly node_id: string;
  readonly name: string;
  readonly http: string;
  readonly agent: string;
  readonly mesh: readonly string[];
  readonly home: string;
  readonly pid: number;
  readonly relay?: string;
}

export interface NodeOptions {
  /** More flags for `up`. */
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Look at the places of Hugging Face, Ollama and LlamaFarm too, as a person's daemon does; set `env` with it. */
  readonly scanDefaults?: boolean;
  /** Look for nodes on its network, and show it services; others keep quiet, so that nodes of other tests are not met. */
  readonly mdns?: boolean;
  /** The command that runs it: `up`, unless it is a relay only. */
  readonly command?: 'up' | 'relay';
  /** What stands before every command of it, such as `ip netns exec NAME`; it must become the command, not start it. */
  readonly within?: readonly string[];
}

/** A folder with any number of nodes in it. */
export class DevNetwork implements AsyncDisposable {
  readonly folder: string;
  readonly #nodes = new Map<string, DevNode>();

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(folder?: string): Promise<DevNetwork> {
    if (folder !== undefined) await mkdir(folder, { recursive: true });
    return new DevNetwork(folder ?? (await mkdtemp(join(tmpdir(), 'atmosphere-'))));
  }

  /** The node of this name; made at the first call, not yet started. */
  node(name: string, options: NodeOptions = {}): DevNode {
    const known = this.#nodes.get(name);
    if (known !== undefined) return known;
    const node = new DevNode(name, join(this.folder, name), options);
    this.#nodes.set(name, node);
    return node;
  }

  get nodes(): readonly DevNode[] {
    return [...this.#nodes.values()];
  }

  /** Ends all processes and deletes the folder, unless `keepFiles`. */
  async close({ keepFiles = false } = {}): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.kill()));
    if (!keepFiles) await rm(this.folder, { recursive: true, force: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}

export class DevNode {
  readonly name: string;
  readonly home: string;
  readonly #options: NodeOptions;
  #child: ChildProcess | undefined;
  #ready: ReadyEvent | undefined;
  #stderr = '';

  constructor(name: string, home: string, options: NodeOptions) {
    this.name = name;
    this.home = home;
    this.#options = options;
  }

  get ready(): ReadyEvent {
    if (this.#ready === undefined) throw new Error(`${this.name} is not up`);
    return this.#ready;
  }

  get pid(): number {
    return this.ready.pid;
  }

  /** What the daemon has written to stderr since it was started. */
  get log(): string {
    return this.#stderr;
  }

  /** `atmosphere up` until its ready event; flags given here come last, and count. Throws with the daemon's stderr when it does not come up. */
  async up(...last: readonly string[]): Promise<ReadyEvent> {
    const { command = 'up', flags: more = [], scanDefaults, mdns } = this.#options;
    const flags = ['--port', '0', '--mesh-port', '0'];
    if (mdns !== true) flags.push('--no-mdns');
    if (command === 'up') flags.push('--agent-port', '0');
    if (command === 'up' && scanDefaults !== true) flags.push('--no-scan-defaults');
    const child = this.spawn(command, '--json', '--name', this.name, ...flags, ...more, ...last);
    this.#child = child;
    this.#stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-64_000);
    });
    const ready = await firstEvent(child, 'ready', () => this.#stderr);
    this.#ready = ready as unknown as ReadyEvent;
    return this.#ready;
  }

  /** Runs one command against this node's home. */
  run(...args: readonly string[]): Promise<CommandResult> {
    return runCommand(args, this.#env(), this.#options.within);
  }

  /** Runs a command with `--json` and parses its one document. Throws when the exit code is not 0. */
  async json<T = Record<string, unknown>>(...args: readonly string[]): Promise<T> {
    const result = await this.run(...args, '--json');
    if (result.code !== 0)
      throw new Error(`${this.name}: ${args.join(' ')} ended with ${result.code}:\n${result.stdout}${result.stderr}`);
    return JSON.parse(result.stdout) as T;
  }

  /** Runs a command with `--json` and parses its events, one a line; whatever the exit code. */
  async events<T = Record<string, unknown>>(
    ...args: readonly string[]
  ): Promise<{ code: number; events: T[]; stderr: string }> {
    const { code, stdout, stderr } = await this.run(...args, '--json');
    const lines = stdout.split('\n').filter((line) => line !== '');
    return { code, events: lines.map((line) => JSON.parse(line) as T), stderr };
  }

  /** A command whose lines the caller reads while it runs. */
  spawn(...args: readonly string[]): ChildProcess {
    return startProcess(args, this.#env(), this.#options.within);
  }

  /** Ends the daemon the polite way and waits for it. */
  async stop(): Promise<number | null> {
    return this.#end('SIGTERM');
  }

  /** kill -9, and waits until the process is gone. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async #end(signal: NodeJS.Signals): Promise<number | null> {
    const child = this.#child;
    if (child === undefined) return null;
    this.#child = undefined;
    this.#ready = undefined;
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
    // A pipe that nobody reads to its end stays open for ever.
    child.stdout?.destroy();
    child.stderr?.destroy();
    return child.exitCode;
  }

  #env(): NodeJS.ProcessEnv {
    return { ...process.env, NO_COLOR: '1', ...this.#options.env, ATMOSPHERE_HOME: this.home };
  }
}

/** Resident memory of a process now and at its peak, and its CPU time, from /proc. */
export async function processUsage(
  pid: number,
): Promise<{ rssBytes: number; peakRssBytes: number; cpuSeconds: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const kB = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? 0) * 1024;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { rssBytes: kB('VmRSS'), peakRssBytes: kB('VmHWM'), cpuSeconds: ticks / 100 };
}

function startProcess(args: readonly string[], env: NodeJS.ProcessEnv, within: readonly string[] = []) {
  const [command, ...all] = [...within, process.execPath, MAIN, ...args];
  return spawn(command as string, all, { env, stdio: ['ignore', 'pipe', 'pipe'] });
}

export async function runCommand(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  within: readonly string[] = [],
): Promise<CommandResult> {
  if (!existsSync(MAIN)) throw new Error('dist is missing; run: npm run setup');
  const child = startProcess(args, env, within);
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_TIMEOUT_MS);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  clearTimeout(timer);
  return { code: code ?? -1, stdout, stderr };
}

async function firstEvent(child: ChildProcess, name: string, stderr: () => string): Promise<Record<string, unknown>> {
  const timer = setTimeout(() => child.kill('SIGKILL'), READY_TIMEOUT_MS);
  try {
    if (child.stdout === null) throw new Error('no stdout');
    const lines: string[] = [];
    const reader = createInterface({ input: child.stdout });
    for await (const line of reader) {
      lines.push(line);
      const event = JSON.parse(line) as Record<string, unknown>;
      if (event.event === name) return event;
    }
    throw new Error(`atmosphere up ended without being ready:\n${lines.join('\n')}\n${stderr()}`);
  } finally {
    clearTimeout(timer);
    // The reader paused it when it ended; a full pipe would stop the daemon.
    child.stdout?.resume();
  }
}
