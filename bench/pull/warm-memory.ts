/**
 * Touches the machine's free memory once and gives it back. A virtual machine gets a page from its host when it is first
 * used, at several times the cost of writing to it: without this, whoever is the first to fill the page cache pays for all.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { GiB, KiB } from '../../src/core/index.ts';

/** Left alone, so that nobody is pushed out. */
const LEFT_FREE_BYTES = 2 * GiB;

/** Returns what was touched. A process of its own does it: the memory goes back when it ends. */
export function warmMemory(): number {
  const free = Number(/MemFree:\s+(\d+) kB/.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * KiB;
  const slabs = Math.max(0, Math.floor((free - LEFT_FREE_BYTES) / GiB));
  const touch = `const all = []; for (let i = 0; i < ${slabs}; i += 1) all.push(Buffer.alloc(${GiB}, 1));`;
  spawnSync(process.execPath, ['-e', touch], { stdio: 'ignore' });
  return slabs * GiB;
}
