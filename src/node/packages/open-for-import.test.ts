import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArchiveTarget, PartsInbox } from '../../atmo/index.ts';
import { MiB } from '../../core/index.ts';
import { SeededBytes } from '../../testkit/seeded-bytes.ts';
import { openForImport } from './open-for-import.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'open-for-import-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

it('parts that came one by one are forgotten once all of them are installed from one medium', async () => {
  const inbox = await PartsInbox.open(join(folder, 'inbox'));
  const [first = '', ...others] = await writeParts(join(folder, 'site-v1.atmo'));
  const stick = join(folder, 'stick');
  mkdirSync(stick);
  const bring = (path: string) => copyFileSync(path, join(stick, basename(path)));
  const open = () =>
    openForImport(join(stick, basename(first)), {
      inbox: async () => inbox,
      onBytes: () => undefined,
      signal: new AbortController().signal,
    });

  for (const path of [first, others.at(-1) ?? '']) bring(path);
  expect(await open()).toMatchObject({ waiting: { packageName: 'site-v1.atmo' } });
  expect((await inbox.status()).packages).toMatchObject([{ packageName: 'site-v1.atmo', isWhole: false }]);

  for (const path of others) bring(path);
  const opened = await open();
  if ('waiting' in opened) throw new Error('it waits, though every part is there');
  await opened.source[Symbol.asyncDispose]();
  expect((await inbox.status()).packages).toHaveLength(1);
  await opened.whenInstalled();
  expect(await inbox.status()).toEqual({ packages: [], unclaimed: [] });
});

async function writeParts(path: string): Promise<string[]> {
  const model = new SeededBytes('parts').next(5 * MiB);
  await using target = new ArchiveTarget({ path, created: new Date('2026-03-04T05:06:08Z'), partBytes: 2 * MiB });
  await target.reserve('manifest.yaml', 12);
  await target.add({ path: 'models/a.onnx', sizeBytes: model.length, content: model });
  await target.fill('manifest.yaml', Buffer.from('package: {}\n'));
  return (await target.finish()).map((file) => file.path);
}
