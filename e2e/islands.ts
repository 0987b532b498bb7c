/**
 * Machines that cannot reach each other, and one that both reach: network namespaces joined by veth pairs, which forward
 * nothing. Needs root on Linux. `close()` takes away what was made here.
 */
import { execFileSync } from 'node:child_process';

/** Where the middle is reached from everywhere. */
export const MIDDLE = '10.77.0.1';

export interface Islands {
  /** What to put before a command to run it there. */
  within(place: string): readonly string[];
  /** Takes the cable out of a place that is not the middle. */
  cut(place: string): void;
  /** Puts it in again; with `host`, at another address of its network: 2 is the one it begins with. */
  mend(place: string, host?: number): void;
  close(): void;
}

/** Why this user cannot have islands here; undefined where that is possible. */
export function whyNoIslands(): string | undefined {
  try {
    openIslands('trial', []).close();
    return undefined;
  } catch (thrown) {
    return String(thrown instanceof Error ? thrown.message : thrown).trim();
  }
}

/** `middle` and the others around it. */
export function openIslands(middle: string, around: readonly string[]): Islands {
  const nameOf = (place: string): string => `atm${process.pid}-${place}`;
  const made: string[] = [];
  const close = (): void => {
    for (const place of made.splice(0)) ip('netns', 'del', nameOf(place));
  };
  const make = (place: string): void => {
    ip('netns', 'add', nameOf(place));
    made.push(place);
    ip('-n', nameOf(place), 'link', 'set', 'lo', 'up');
  };
  try {
    make(middle);
    ip('netns', 'exec', nameOf(middle), 'sysctl', '-qw', 'net.ipv4.ip_forward=0');
    ip('-n', nameOf(middle), 'address', 'add', `${MIDDLE}/32`, 'dev', 'lo');
    for (const [index, place] of around.entries()) {
      make(place);
      join(nameOf(middle), nameOf(place), index + 1);
    }
  } catch (thrown) {
    close();
    throw thrown;
  }
  return {
    within: (place) => ['ip', 'netns', 'exec', nameOf(place)],
    cut: (place) => ip('-n', nameOf(place), 'link', 'set', 'up0', 'down'),
    mend(place, host = 2) {
      const net = around.indexOf(place) + 1;
      ip('-n', nameOf(place), 'address', 'flush', 'dev', 'up0');
      connect(nameOf(place), net, host);
    },
    close,
  };
}

function join(middle: string, place: string, net: number): void {
  ip('link', 'add', 'up0', 'netns', place, 'type', 'veth', 'peer', 'name', `down${net}`, 'netns', middle);
  ip('-n', middle, 'address', 'add', `10.77.${net}.1/24`, 'dev', `down${net}`);
  ip('-n', middle, 'link', 'set', `down${net}`, 'up');
  connect(place, net, 2);
}

function connect(place: string, net: number, host: number): void {
  ip('-n', place, 'address', 'add', `10.77.${net}.${host}/24`, 'dev', 'up0');
  ip('-n', place, 'link', 'set', 'up0', 'up');
  ip('-n', place, 'route', 'add', `${MIDDLE}/32`, 'via', `10.77.${net}.1`);
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
