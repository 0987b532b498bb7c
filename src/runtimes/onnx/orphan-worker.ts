/** Ends this process when its node has gone, even while the model holds the main thread. Spec: docs/spec/17-deployment.md §5.2. */
import { workerData } from 'node:worker_threads';
import { RUNTIMES_LIMITS } from '../limits.ts';

const parent = workerData as number;
setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, RUNTIMES_LIMITS.orphanCheckMs);
