/** Which start of the machine this is: another one means that unsynced bytes may be gone. Spec: 06-store.md §4.2. */
import { readFile } from 'node:fs/promises';
import { uptime } from 'node:os';

export async function readBootId(): Promise<string> {
  try {
    return (await readFile('/proc/sys/kernel/random/boot_id', 'utf8')).trim();
  } catch {
    // Elsewhere than on Linux: the minute of the start. One off makes pieces doubted, never trusted, without need.
    return `boot-at-${Math.round((Date.now() / 1000 - uptime()) / 60)}`;
  }
}
