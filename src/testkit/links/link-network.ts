/**
 * Machines on links of their own, as network namespaces of this kernel around one router. A link has a rate each way (`tc
 * tbf`: downwards at the router; upwards behind the wire, since a kernel does not let TCP fill a queue of its own machine, or
 * at the machine where there is no wire), loss each way (nftables) and a delay (a wire of ours, since not every kernel has
 * netem). TCP is one connection from end to end. Segments leave as single packets, as behind a real network card: otherwise
 * a loss would take 64 KiB at once. Needs root on Linux. Disposing takes away what was made here.
 */
import { type ChildProcess, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { buildDelayLine, startDelayLine } from './delay-line.ts';

export interface LinkOptions {
  /** Absent: as fast as the machine. */
  readonly upMbits?: number;
  readonly downMbits?: number;
  /** One way, between the machine and the router. */
  readonly delayMs?: number;
  /** Share of packets lost, each way. */
  readonly loss?: number;
  /** How much the link's own buffers hold at its rate. */
  readonly bufferMs?: number;
  /** Congestion control of what the machine sends; the kernel's default unless given. Others, CUBIC too, need the host's leave. */
  readonly congestion?: 'reno' | 'bbr';
}

export interface LinkedMachine {
  readonly address: string;
  /** What to put before a command to run it there. */
  readonly within: readonly string[];
}

/** Buffers of the kernel for one connection: enough for 1 Gbit/s over 100 ms. */
const SOCKET_BYTES = 64 * 1024 * 1024;
const DEFAULT_BUFFER_MS = 50;

export class LinkNetwork implements AsyncDisposable {
  readonly #folder: string;
  readonly #prefix: string;
  readonly #spaces: string[] = [];
  readonly #wires: ChildProcess[] = [];
  readonly #atExit = (): void => this.#tearDown();
  #delayLine: string | undefined;
  #count = 0;

  /** `folder` is where the delay's program is built, when a link needs it. */
  constructor(folder: string) {
    this.#folder = folder;
    this.#prefix = `atml${process.pid}`;
    process.once('exit', this.#atExit);
    this.#make('router');
    this.#run('router', 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
    this.#nft('add table inet links; add chain inet links lossy { type filter hook forward priority 0; }');
  }

  /** The first thing that this machine lacks for links, in words; undefined when it has all. */
  static lacks(): string | undefined {
    if (process.getuid?.() !== 0) return 'root, to make network namespaces';
    for (const command of ['ip', 'tc', 'nft', 'cc', 'sysctl']) if (!isThere(command)) return `the command ${command}`;
    return undefined;
  }

  async machine(name: string, link: LinkOptions = {}): Promise<LinkedMachine> {
    this.#count += 1;
    const [net, near] = [this.#count, `r${this.#count}`];
    this.#make(name);
    for (const key of ['rmem', 'wmem'])
      this.#run(name, 'sysctl', '-qw', `net.ipv4.tcp_${key}=4096 131072 ${SOCKET_BYTES}`);
    if (link.congestion !== undefined)
      this.#run(name, 'sysctl', '-qw', `net.ipv4.tcp_congestion_control=${link.congestion}`);
    const [gateway, address] = [`10.88.${net}.1`, `10.88.${net}.2`];
    await this.#lay(name, near, link.delayMs ?? 0);
    this.#address('router', near, gateway);
    this.#address(name, 'eth0', address);
    this.#run(name, 'ip', 'route', 'add', 'default', 'via', gateway);
    const hasWire = (link.delayMs ?? 0) > 0;
    this.#shape(hasWire ? 'wire' : name, hasWire ? `b${net}` : 'eth0', link.upMbits, link.bufferMs);
    this.#shape('router', near, link.downMbits, link.bufferMs);
    this.#lose(near, link.loss ?? 0);
    return { address, within: ['ip', 'netns', 'exec', this.#spaceOf(name)] };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.#wires.splice(0)) {
      wire.kill('SIGTERM');
      if (wire.exitCode === null) await once(wire, 'exit');
    }
    this.#tearDown();
    process.off('exit', this.#atExit);
  }

  /** Also when the process is ended early: whatever still runs on the machines ends with them. */
  #tearDown(): void {
    for (const space of this.#spaces.splice(0)) {
      for (const pid of ip('netns', 'pids', space).split('\n')) if (pid !== '') process.kill(Number(pid), 'SIGKILL');
      ip('netns', 'del', space);
    }
  }

  /** The cable from a machine's eth0 to the router, with the wire of the delay between two halves. */
  async #lay(name: string, near: string, delayMs: number): Promise<void> {
    const [space, router] = [this.#spaceOf(name), this.#spaceOf('router')];
    if (delayMs === 0) {
      this.#pair(space, 'eth0', router, near);
      return;
    }
    const wire = this.#wireSpace();
    const ends = [`a${this.#count}`, `b${this.#count}`] as const;
    this.#pair(space, 'eth0', wire, ends[0]);
    this.#pair(router, near, wire, ends[1]);
    this.#delayLine ??= buildDelayLine(this.#folder);
    this.#wires.push(await startDelayLine({ program: this.#delayLine, namespace: wire, interfaces: ends, delayMs }));
  }

  /** A namespace without addresses, so that nobody answers for what only passes through. */
  #wireSpace(): string {
    const space = this.#spaceOf('wire');
    if (!this.#spaces.includes(space)) {
      this.#make('wire');
      this.#run('wire', 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
    }
    return space;
  }

  #pair(one: string, oneName: string, other: string, otherName: string): void {
    ip('link', 'add', oneName, 'netns', one, 'type', 'veth', 'peer', 'name', otherName, 'netns', other);
    for (const [space, name] of [
      [one, oneName],
      [other, otherName],
    ] as const) {
      ip('-n', space, 'link', 'set', name, 'gso_max_segs', '1');
      ip('-n', space, 'link', 'set', name, 'txqueuelen', '10000', 'up');
    }
  }

  #address(name: string, device: string, address: string): void {
    ip('-n', this.#spaceOf(name), 'address', 'add', `${address}/24`, 'dev', device);
  }

  /** A burst of 2 ms at the rate, so that a 1 Gbit/s link does not depend on how often the kernel's timer looks. */
  #shape(name: string, device: string, mbits: number | undefined, bufferMs = DEFAULT_BUFFER_MS): void {
    if (mbits === undefined) return;
    const burst = Math.max(3_200, Math.round(mbits * 250));
    const rate = ['rate', `${mbits}mbit`, 'burst', String(burst), 'latency', `${bufferMs}ms`];
    this.#run(name, 'tc', 'qdisc', 'add', 'dev', device, 'root', 'tbf', ...rate);
  }

  #lose(near: string, loss: number): void {
    if (loss <= 0) return;
    const drop = `numgen random mod 100000 < ${Math.round(loss * 100_000)} drop`;
    this.#nft(`add rule inet links lossy iifname ${near} ${drop}; add rule inet links lossy oifname ${near} ${drop}`);
  }

  #nft(rules: string): void {
    this.#run('router', 'nft', rules);
  }

  #make(name: string): void {
    const space = this.#spaceOf(name);
    ip('netns', 'add', space);
    this.#spaces.push(space);
    ip('-n', space, 'link', 'set', 'lo', 'up');
  }

  #run(name: string, ...command: readonly string[]): void {
    ip('netns', 'exec', this.#spaceOf(name), ...command);
  }

  #spaceOf(name: string): string {
    return `${this.#prefix}-${name}`;
  }
}

function ip(...args: readonly string[]): string {
  return execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'], encoding: 'utf8' });
}

function isThere(command: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${command}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}
