/** Takes the home lock, says so, and waits to be killed. Started by home-lock.test.ts. */
import { writeSync } from 'node:fs';
import { acquireHomeLock } from '../index.ts';

const [home = ''] = process.argv.slice(2);
acquireHomeLock(home);
writeSync(1, 'locked\n');
setInterval(() => {}, 60_000);
