/**
 * The hash queue's thread. It runs what it is told to, one file at a time in effect: the queue suspends a job before it
 * starts a more urgent one, and a suspended job keeps its state and two buffers. Spec: docs/spec/08-inventory.md §8.
 */
import { setImmediate, setTimeout } from 'node:timers/promises';
import { parentPort } from 'node:worker_threads';
import { messageOf, systemCodeOf } from '../core/index.ts';
import { hashFile } from './hash-file.ts';
import type { FromWorker, ToWorker } from './hash-messages.ts';
import { INVENTORY_LIMITS } from './limits.ts';

class Cancelled extends Error {}

interface Job {
  isCancelled: boolean;
  /** Resolves when the job may go on; undefined while it may. */
  gate: PromiseWithResolvers<void> | undefined;
}

const jobs = new Map<number, Job>();

function send(message: FromWorker): void {
  parentPort?.postMessage(message);
}

async function run(message: Extract<ToWorker, { type: 'start' }>): Promise<void> {
  const { jobId, file, rateBytesPerSecond } = message;
  const job: Job = { isCancelled: false, gate: undefined };
  jobs.set(jobId, job);
  try {
    const hashes = await hashFile(file, pacer(jobId, job, rateBytesPerSecond));
    send(hashes === undefined ? { type: 'changed', jobId } : { type: 'hashed', jobId, ...hashes });
  } catch (thrown) {
    if (thrown instanceof Cancelled) send({ type: 'cancelled', jobId });
    else send({ type: 'failed', jobId, message: messageOf(thrown), code: systemCodeOf(thrown) });
  } finally {
    jobs.delete(jobId);
  }
}

/** Between chunks: lets messages in, waits while suspended, keeps to the rate, tells progress. */
function pacer(jobId: number, job: Job, rateBytesPerSecond: number | undefined) {
  let toldAt = performance.now();
  let paidUntil = performance.now();
  let paidBytes = 0;
  return async (doneBytes: number): Promise<void> => {
    await setImmediate();
    await job.gate?.promise;
    if (job.isCancelled) throw new Cancelled();
    const now = performance.now();
    if (now - toldAt >= INVENTORY_LIMITS.hashProgressMs) {
      toldAt = now;
      send({ type: 'progress', jobId, doneBytes });
    }
    if (rateBytesPerSecond === undefined) return;
    paidUntil = Math.max(paidUntil, now - 1000) + ((doneBytes - paidBytes) / rateBytesPerSecond) * 1000;
    paidBytes = doneBytes;
    if (paidUntil > now) await setTimeout(paidUntil - now);
  };
}

parentPort?.on('message', (message: ToWorker) => {
  if (message.type === 'start') {
    void run(message);
    return;
  }
  const job = jobs.get(message.jobId);
  if (job === undefined) return;
  if (message.type === 'suspend') job.gate ??= Promise.withResolvers();
  if (message.type === 'cancel') job.isCancelled = true;
  if (message.type === 'suspend') return;
  job.gate?.resolve();
  job.gate = undefined;
});
