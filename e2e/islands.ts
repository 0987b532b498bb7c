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
  close(): void;
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
  return { within: (place) => ['ip', 'netns', 'exec', nameOf(place)], close };
}

function join(middle: string, place: string, net: number): void {
  const [near, far] = [`10.77.${net}.1`, `10.77.${net}.2`];
  ip('link', 'add', 'up0', 'netns', place, 'type', 'veth', 'peer', 'name', `down${net}`, 'netns', middle);
  ip('-n', middle, 'address', 'add', `${near}/24`, 'dev', `down${net}`);
  ip('-n', middle, 'link', 'set', `down${net}`, 'up');
  ip('-n', place, 'address', 'add', `${far}/24`, 'dev', 'up0');
  ip('-n', place, 'link', 'set', 'up0', 'up');
  ip('-n', place, 'route', 'add', `${MIDDLE}/32`, 'via', near);
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
