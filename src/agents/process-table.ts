/**
 * Which process it is: a number alone may be another's by now, its time of start is not. Linux tells by /proc, other systems by `ps`.
 * Nothing here throws. Spec: docs/spec/23-agents.md §3.4.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** Equal for the same process only, also over restarts of the machine; undefined when there is none. */
export function processMark(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') return `${bootId()} ${startTicks(pid)}`;
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8', stdio: 'pipe' });
    return started.trim() === '' ? undefined : started.trim();
  } catch {
    return undefined;
  }
}

/** Processes of this user whose environment holds `NAME=value`; none where the system does not tell. */
export function processesWith(name: string, value: string): number[] {
  const wanted = `${name}=${value}`;
  return listProcesses().filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').includes(wanted);
    } catch {
      return false;
    }
  });
}

/** Sends a signal to a process group, or to the process where groups are unknown; false when it is gone. */
export function signalGroup(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(process.platform === 'win32' ? pid : -pid, signal);
  } catch {
    return false;
  }
}

/** Ended and not yet fetched by its parent: a zombie counts as gone. */
function startTicks(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') throw new Error('gone');
  return fields[19] ?? '';
}

function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

function listProcesses(): number[] {
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
