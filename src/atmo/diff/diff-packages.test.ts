import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MiB } from '../../core/index.ts';
import { type PackageFiles, samplePackage } from '../../testkit/package-manifests.ts';
import { packPackage, writeFiles } from '../../testkit/packages.ts';
import { openPackageSource } from '../source/open-package-source.ts';
import type { KnowledgeBytes } from './chunk-digests.ts';
import { compareChunks } from './compare-chunks.ts';
import { diffPackages, type PackageDiff } from './diff-packages.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'diff-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function diff(before: PackageFiles, after: PackageFiles, without: readonly string[] = []): Promise<PackageDiff> {
  const old = packPackage({ sample: samplePackage(before, '1.2') });
  const now = packPackage({ sample: samplePackage(after, '1.3'), without });
  await using one = await openPackageSource(await writeFiles(join(folder, 'one'), old.files));
  await using other = await openPackageSource(await writeFiles(join(folder, 'other'), now.files));
  return await diffPackages(one, other);
}

const KNOWLEDGE = 'knowledge/defects.chunks.jsonl';

test('what changed is told by section, with versions and sizes', async () => {
  const found = await diff(
    {},
    { 'models/tiny-defects-1.3.onnx': Buffer.alloc(4000, 'n'), [KNOWLEDGE]: '{"id":"a"}\n' },
  );
  expect(found.sections.models).toMatchObject({
    ...{ added: [], removed: [], sameCount: 1 },
    updated: [
      { id: 'acme/tiny-defects', from: { version: '1.2', sizeBytes: 3000 }, to: { version: '1.3', sizeBytes: 4000 } },
    ],
  });
  expect(found.knowledge).toEqual([{ domain: 'defects', chunks: { added: 0, removed: 1, updated: 1 } }]);
  expect(found.chunks).toEqual({ added: 0, removed: 1, updated: 1 });
  expect(found.sizes[0]).toEqual({ tier: 'tier_1', before: 3090, after: 4050 });
  expect(found).toMatchObject({ before: { version: '1.2' }, after: { version: '1.3' }, isSame: false });
});

test('knowledge that is not in the package cannot be counted, and that is told', async () => {
  const found = await diff({}, { [KNOWLEDGE]: '{"id":"c"}\n' }, [KNOWLEDGE]);
  expect(found.knowledge).toEqual([{ domain: 'defects', chunks: undefined }]);
  expect(found.chunks).toEqual({ added: 0, removed: 0, updated: 0 });
});

test('a package is the same as itself, whoever signed it', async () => {
  const packed = packPackage();
  await using one = await openPackageSource(await writeFiles(join(folder, 'one'), packed.files));
  const found = await diffPackages(one, one);
  expect(found.isSame).toBe(true);
  expect(Object.values(found.sections).every(({ updated, added }) => updated.length + added.length === 0)).toBe(true);
});

function knowledge(text: string | Buffer, sizeBytes = Buffer.byteLength(text)): KnowledgeBytes {
  const bytes = Buffer.from(text as string);
  return {
    ...{ name: 'chunks', sizeBytes },
    read: async (buffer, position) =>
      bytes.copy(buffer, 0, position, Math.min(position + buffer.length, position + 7000)),
  };
}

test('a chunk without an id is its own content', async () => {
  const before = knowledge('{"text":"a"}\n"b"\n{"id":true}\nno json {\n');
  const after = knowledge('{"text":"a"}\n"c"\n{"id":true}\nno json {');
  expect(await compareChunks(before, after)).toEqual({ added: 1, removed: 1, updated: 0 });
});

test('ids of text and of numbers are not one, and line ends and empty lines do not count', async () => {
  const before = knowledge('{"id":1,"t":"x"}\r\n\n{"id":"1"}\r\n');
  expect(await compareChunks(before, knowledge('{"id":1,"t":"x"}\n{"id":"1"}'))).toEqual({
    ...{ added: 0, removed: 0, updated: 0 },
  });
  expect(await compareChunks(before, knowledge('{"id":1,"t":"y"}'))).toEqual({ added: 0, removed: 1, updated: 1 });
});

test('chunks that are longer than a block are read whole', async () => {
  const long = (end: string) => knowledge(`{"id":"l","text":"${'x'.repeat(3 * MiB)}${end}"}\n{"id":"m"}\n`);
  expect(await compareChunks(long('a'), long('a'))).toEqual({ added: 0, removed: 0, updated: 0 });
  expect(await compareChunks(long('a'), long('b'))).toEqual({ added: 0, removed: 0, updated: 1 });
});

test('a line without an end, a file that is shorter than it says, and a reader who stopped', async () => {
  await expect(compareChunks(undefined, knowledge(Buffer.alloc(17 * MiB, 'x')))).rejects.toMatchObject({
    code: 'too_large',
  });
  await expect(compareChunks(undefined, knowledge('{}', 3))).rejects.toMatchObject({ code: 'truncated' });
  const stopped = compareChunks(undefined, knowledge('{}'), AbortSignal.abort());
  await expect(stopped).rejects.toMatchObject({ code: 'cancelled' });
});

test('chunks are counted as a person would, in any order', async () => {
  const chunks = fc.dictionary(fc.string({ maxLength: 3 }), fc.string({ maxLength: 3 }), { maxKeys: 12 });
  const toLines = (all: Record<string, string>) =>
    knowledge(
      Object.entries(all)
        .map(([id, text]) => `${JSON.stringify({ id, text })}\n`)
        .join(''),
    );
  await fc.assert(
    fc.asyncProperty(chunks, chunks, async (before, after) => {
      const [old, now] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
      const both = [...now.keys()].filter((id) => old.has(id));
      expect(await compareChunks(toLines(before), toLines(after))).toEqual({
        ...{ added: now.size - both.length, removed: old.size - both.length },
        updated: both.filter((id) => old.get(id) !== now.get(id)).length,
      });
    }),
    { numRuns: 60 },
  );
});
