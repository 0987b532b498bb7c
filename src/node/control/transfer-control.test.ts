import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { oneFile, PullBench, TestPeer } from '../pull/pulling.fixture.ts';
import { transferControl } from './transfer-control.ts';

test('the answer to a cancel is the transfer after it', async () => {
  const model = oneFile('org/one', randomBytes(9));
  const bench = new PullBench();
  const peer = bench.swarm.add(new TestPeer('peer', model));
  peer.gate = new Promise(() => {});
  const transfers = bench.service();
  const rates = { downloadRateOf: () => Number.POSITIVE_INFINITY };
  const catalog = { getNodes: () => [{ nodeId: peer.nodeId, name: 'peer' }] };
  const mesh = { nodeId: 'here' };
  const control = transferControl({ transfers, rates, catalog, mesh } as never);
  const { requestId } = transfers.start({ target: model });
  await peer.asked.promise;
  const cancel = () =>
    control.transferCancel({ params: { request_id: requestId } } as never, new AbortController().signal);
  expect(await cancel()).toMatchObject({ state: 'Cancelled', error: { code: 'cancelled' } });
  expect(await cancel()).toMatchObject({ state: 'Cancelled' });
});
