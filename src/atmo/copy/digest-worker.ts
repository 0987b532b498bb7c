/** The thread behind DigestThread: carries out its orders one after the other. */
import { parentPort } from 'node:worker_threads';
import type { DigestOrder } from './digest-thread.ts';
import { MemberDigest } from './member-digest.ts';

let digest = new MemberDigest({ sizeBytes: 0 });

parentPort?.on('message', (order: DigestOrder) => {
  switch (order.do) {
    case 'begin':
      digest = new MemberDigest(order.wish);
      break;
    case 'update':
      digest.update(Buffer.from(order.memory as unknown as ArrayBuffer, order.offset, order.length));
      parentPort?.postMessage(undefined);
      break;
    case 'end':
      parentPort?.postMessage(digest.end());
      break;
  }
});
