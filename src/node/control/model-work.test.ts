import { rmSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { WorkEvent } from '../../api/index.ts';
import { LibraryBench } from '../library/found.fixture.ts';
import { verifyModel } from './model-work.ts';

let bench: LibraryBench;

beforeEach(async () => {
  bench = await LibraryBench.open();
});
afterEach(() => bench[Symbol.asyncDispose]());

/** A model of two files that is ready, what happened to its first file, and what verifying it says. */
async function verify(change: (path: string) => void): Promise<WorkEvent[]> {
  await bench.library.take([await bench.hash(await bench.find('org/one', { 'a.gguf': 'first', 'b.gguf': 'second' }))]);
  const [model] = bench.library.list();
  const path = model?.files[0]?.absolutePath;
  if (model === undefined || path === undefined) throw new Error('not taken');
  expect(model.state).toBe('ready');
  change(path);
  const events = await Array.fromAsync(verifyModel(bench, model, new AbortController().signal));
  return events.filter(({ event }) => event !== 'progress');
}

test('verifyModel() ends with the bytes that it read', async () => {
  expect(await verify(() => {})).toEqual([{ event: 'completed', done_bytes: 11, total_bytes: 11 }]);
  expect(bench.states()).toEqual(['org/one ready']);
});

test.each([
  ['was deleted', (path: string) => rmSync(path), /^it is gone$/],
  ['has another byte', (path: string) => writeFileSync(path, 'fIrst'), /^its SHA-256 is [0-9a-f]{64}, wanted /],
] as const)('verifyModel() of a model whose file %s says which, and offers it no more', async (_, change, reason) => {
  expect(await verify(change)).toEqual([
    {
      event: 'problem',
      path: 'a.gguf',
      error: expect.stringMatching(reason),
      code: 'model_damaged',
      kind: 'integrity',
    },
    expect.objectContaining({ event: 'failed', error: '1 of 2 files of org/one are not what was verified' }),
  ]);
  expect(bench.states()).toEqual(['org/one missing']);
});
