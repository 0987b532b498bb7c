/**
 * A probe's process that is broken in the way its task names in `package`, where a real runtime can not be made to be. Asked what
 * it has, it answers well.
 */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { getPriority } from 'node:os';
import { text } from 'node:stream/consumers';

const MiB_OF_X = 'x'.repeat(1_048_576);
const task = JSON.parse(await text(process.stdin)) as { readonly type: string; readonly package: string };

const FAULTS: Readonly<Record<string, () => void>> = {
  crash: () => process.kill(process.pid, 'SIGSEGV'),
  exit: () => {
    process.stderr.write(`${MiB_OF_X}\nterminate called after an exception\n`, () => process.exit(3));
  },
  silent: () => {
    process.on('SIGTERM', () => {});
    setInterval(() => {}, 1_000);
  },
  flood: () => {
    const more = () => process.stdout.write(MiB_OF_X, more);
    more();
  },
  prose: () => say('all is well'),
  array: () => say('[1]'),
  strange: () => say(JSON.stringify({ type: 'inferred', version: 1, provider: 'cpu', loadMs: 1, inferMs: 1 })),
  other: () => say(JSON.stringify({ type: 'looked', version: '1', providers: ['cpu'] })),
  colours: () =>
    say(
      JSON.stringify({ type: 'refused', code: 'other', message: `\u001b[31mno\u001b[0m\n\u0007${'!'.repeat(2_000)}` }),
    ),
  family: () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    say(JSON.stringify({ pid: child.pid }));
    setInterval(() => {}, 1_000);
  },
  escape: () => {
    const away = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'inherit', detached: true });
    process.stderr.write(`escaped ${away.pid}`, () => process.exit(0));
  },
  show: () =>
    say(
      JSON.stringify({
        environment: process.env,
        priority: getPriority(),
        memoryScore: ownMemoryScore(),
        handles: openHandles(),
      }),
    ),
};

if (task.type === 'look') say(JSON.stringify({ type: 'looked', version: '0.0.0', providers: ['cpu'] }));
else FAULTS[task.package]?.();

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function ownMemoryScore(): string {
  return readFileSync('/proc/self/oom_score_adj', 'utf8');
}

/** What is open in this process that a parent can have left in it: sockets and files. */
function openHandles(): string[] {
  return readdirSync('/proc/self/fd').flatMap((name) => {
    try {
      return [`${name} ${readlinkSync(`/proc/self/fd/${name}`)}`];
    } catch {
      return [];
    }
  });
}
