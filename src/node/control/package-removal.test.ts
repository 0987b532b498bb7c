import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArchiveTarget, PartsInbox } from '../../atmo/index.ts';
import { MiB } from '../../core/index.ts';
import { SeededBytes } from '../../testkit/seeded-bytes.ts';
import { removePackageOrParts } from './package-removal.ts';
import type { NodeParts } from './parts.ts';

const NAME = 'line-v1.atmo';
let folder = '';
let inbox: PartsInbox;
let audited: unknown[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'package-removal-'));
  inbox = await PartsInbox.open(join(folder, 'inbox'));
  audited = [];
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A node where packages of these names are installed. */
function nodeWith(...ids: string[]): NodeParts {
  const packages = {
    list: () => ids.map((id) => ({ id })),
    underWay: () => [],
    remove: async (id: string) => ({ id, versions: ['1.1', '1.0'], configFolder: undefined }),
  };
  const audit = { insist: (event: string, facts: object) => void audited.push({ event, ...facts }) };
  return { packages, audit, partsInbox: async () => inbox } as unknown as NodeParts;
}

/** The index and one part of the package. */
async function bringSome(): Promise<void> {
  const made = { path: join(folder, NAME), created: new Date('2026-03-04T05:06:08Z'), partBytes: 2 * MiB };
  await using target = new ArchiveTarget(made);
  await target.reserve('manifest.yaml', 12);
  const model = new SeededBytes('parts').next(5 * MiB);
  await target.add({ path: 'models/a.onnx', sizeBytes: model.length, content: model });
  await target.fill('manifest.yaml', Buffer.from('package: {}\n'));
  const stick = join(folder, 'stick');
  mkdirSync(stick);
  for (const { path } of await target.finish()) {
    if (!path.endsWith('.001') && !path.endsWith('.json')) continue;
    copyFileSync(path, join(stick, basename(path)));
    await inbox.accept(join(stick, basename(path)));
  }
}

it('discards parts that wait, by the name that the list shows, and writes it down first', async () => {
  await bringSome();
  const gone = { id: NAME, versions: [], parts: 1, config: null };
  expect(await removePackageOrParts(nodeWith('line'), { id: NAME, waiting: false })).toEqual(gone);
  expect(await inbox.status()).toEqual({ packages: [], unclaimed: [] });
  expect(audited).toEqual([{ event: 'remove', what: 'package parts', package: NAME, parts: 1 }]);
});

it('leaves the package where the parts are meant, and the parts where the package is', async () => {
  await bringSome();
  const node = nodeWith(NAME);
  expect(await removePackageOrParts(node, { id: NAME, waiting: false })).toMatchObject({ versions: ['1.1', '1.0'] });
  expect((await inbox.status()).packages).toHaveLength(1);
  expect(await removePackageOrParts(node, { id: NAME, waiting: true })).toMatchObject({ versions: [], parts: 1 });
});

it('tells what is nearest to a name that is nothing', async () => {
  await bringSome();
  const unknown = removePackageOrParts(nodeWith('line'), { id: 'lime', waiting: false });
  await expect(unknown).rejects.toMatchObject({
    code: 'not_installed',
    message: expect.stringContaining(`there is line, ${NAME}`),
  });
  const noParts = removePackageOrParts(nodeWith('line'), { id: 'line', waiting: true });
  await expect(noParts).rejects.toMatchObject({ message: expect.stringContaining(`there is ${NAME}`) });
  expect(audited).toEqual([]);
});
