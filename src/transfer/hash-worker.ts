/** The thread behind HashThread: carries out its orders one after the other. */
import { createHash, type Hash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import type { HashOrder } from './hash-thread.ts';

let hash: Hash = createHash('sha256');
let marked: Hash = hash.copy();

parentPort?.on('message', (order: HashOrder) => {
  switch (order.do) {
    case 'reset':
      hash = createHash('sha256');
      marked = hash.copy();
      break;
    case 'update':
      hash.update(Buffer.from(order.memory as unknown as ArrayBuffer, order.offset, order.length));
      parentPort?.postMessage('');
      break;
    case 'mark':
      marked = hash.copy();
      break;
    case 'rollback':
      hash = marked.copy();
      break;
    case 'digest':
      parentPort?.postMessage(hash.digest('hex'));
      break;
  }
});
