import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { WorkerHash } from './whole-hash.ts';

function shared(text: string): Buffer {
  const bytes = Buffer.from(new SharedArrayBuffer(text.length));
  bytes.write(text);
  return bytes;
}

test('a hash starts empty in a thread that another left half-way', async () => {
  const first = new WorkerHash();
  await first.update(shared('left behind'));
  first.mark();
  await first.close();
  const second = new WorkerHash();
  await second.update(shared('abc'));
  expect(await second.digest()).toBe(createHash('sha256').update('abc').digest('hex'));
  await second.close();
});

test('a hash may be rolled back to its start in a used thread', async () => {
  const first = new WorkerHash();
  first.mark();
  await first.update(shared('one'));
  await first.digest();
  await first.close();
  const second = new WorkerHash();
  const taken = second.update(shared('wrong'));
  second.rollback();
  await taken;
  await second.update(shared('right'));
  expect(await second.digest()).toBe(createHash('sha256').update('right').digest('hex'));
  await second.close();
});

test('two hashes at once have threads of their own', async () => {
  const hashes = [new WorkerHash(), new WorkerHash()];
  await Promise.all(hashes.map((hash, index) => hash.update(shared(String(index)))));
  const digests = await Promise.all(hashes.map((hash) => hash.digest()));
  expect(digests).toEqual(['0', '1'].map((text) => createHash('sha256').update(text).digest('hex')));
  await Promise.all(hashes.map((hash) => hash.close()));
});

test('close() waits for the bytes that are being hashed, and may be called again', async () => {
  const hash = new WorkerHash();
  let isTaken = false;
  const taken = hash.update(shared('x'.repeat(1_000_000))).then(() => {
    isTaken = true;
  });
  await hash.close();
  await taken;
  expect(isTaken).toBe(true);
  await hash.close();
});
