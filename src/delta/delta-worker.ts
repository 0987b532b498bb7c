/** A thread of a crew: carries out its orders one after the other. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../core/index.ts';
import type { ThreadAnswer } from './crew.ts';
import { DeltaError } from './errors.ts';
import { type Order, OrderTaker } from './orders.ts';
import { SlotMemory } from './slot-memory.ts';

const taker = new OrderTaker(new SlotMemory((workerData as { shared: SharedArrayBuffer }).shared));

function answerTo(order: Order): ThreadAnswer {
  try {
    return { result: taker.carryOut(order) };
  } catch (thrown) {
    const code = thrown instanceof DeltaError ? { code: thrown.code } : {};
    return { failure: { message: messageOf(thrown), ...code } };
  }
}

parentPort?.on('message', (order: Order) => parentPort?.postMessage(answerTo(order)));
