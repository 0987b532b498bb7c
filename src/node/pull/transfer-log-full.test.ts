import { expect, it } from 'vitest';
import { parseSha256, silentLogger, systemClock } from '../../core/index.ts';
import { modelEntrySchema } from '../../protocol/index.ts';
import { createMemoryBlobStore } from '../../store/index.ts';
import type { TransferLog, TransferRow } from './ports.ts';
import { TransferService } from './transfer-service.ts';

const sha256 = parseSha256('ab'.repeat(32));
const entry = modelEntrySchema.parse({
  ...{ model_id: 'org/model', name: 'model', type: 'llm', format: 'gguf', size_bytes: 10, sha256 },
  ...{ version: '1', source: 'imported', source_ref: '' },
});
const request = { target: { entry } };

/** A node that has the model already, with a log that fails as long as `isFull`. */
function openService(disk: { isFull: boolean }) {
  const rows: TransferRow[] = [];
  const log: TransferLog = {
    list: () => rows,
    unfinished: () => [],
    put(row) {
      if (disk.isFull) throw new Error('database or disk is full');
      rows.push(row);
    },
  };
  const service = new TransferService({
    ...{ log, clock: systemClock, logger: silentLogger, store: createMemoryBlobStore() },
    view: { holders: () => [], onChange: () => () => {}, sourceFor: () => undefined, report() {} },
    pieceHashes: { get: () => undefined, put() {} },
    models: { pathOf: async () => '/models/model', install: async () => '/models/model' },
    freeBytes: async () => 0,
  });
  return { service, rows };
}

it('start() whose row cannot be written leaves nothing that a later start would wait for', async () => {
  const disk = { isFull: true };
  const { service } = openService(disk);
  expect(() => service.start(request)).toThrow('full');
  expect(service.list()).toEqual([]);
  disk.isFull = false;
  const ended = Promise.withResolvers<string>();
  service.start(request).events.on(({ state }) => ended.resolve(state));
  expect(await ended.promise).toBe('Completed');
  await service.close();
});

it('watchers hear the end of a transfer that cannot be logged any more', async () => {
  const disk = { isFull: false };
  const { service } = openService(disk);
  const ended = Promise.withResolvers<string>();
  service.events.on(({ state }) => ended.resolve(state));
  service.start(request);
  disk.isFull = true;
  expect(await ended.promise).toBe('Completed');
  await service.close();
});
