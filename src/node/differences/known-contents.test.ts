import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { Emitter, type ModelId, type Sha256 } from '../../core/index.ts';
import type { LocalModel, PackageRow } from '../../registry/index.ts';
import { KnownContents } from './known-contents.ts';
import { packageContents } from './package-contents.ts';

const digest = (text: string): Sha256 => createHash('sha256').update(text).digest('hex') as Sha256;

function modelOf(version: string, change: Partial<LocalModel> = {}, said: Record<string, unknown> = {}): LocalModel {
  const file = { path: 'm.gguf', absolutePath: '/m.gguf', sizeBytes: 7, sha256: digest(version), pieceRoot: undefined };
  return {
    ...{ modelId: 'org/m' as ModelId, version, sha256: digest(version), state: 'ready', files: [file] },
    ...{ description: { metadata: {}, ...said } },
    ...change,
  } as unknown as LocalModel;
}

test('contents are the models that are ready, with every word on where they come from, and what others add', () => {
  const changes = new Emitter<void>();
  let models = [
    modelOf('1', {}, { baseModel: 'org/base', metadata: { parent_model: 'org/parent@2' } }),
    modelOf('2', { state: 'found', sha256: undefined }),
  ];
  let said: string | undefined = 'org/base';
  const contents = new KnownContents({ library: { list: () => models, changes }, parentOf: () => said });
  const known = { modelId: 'org/m', version: '1', files: [{ path: 'm.gguf', sizeBytes: 7, sha256: digest('1') }] };
  expect(contents.list()).toEqual([{ ...known, parents: ['org/base', 'org/parent@2'] }]);
  said = 'org/other';
  expect(contents.list()[0]?.parents).toEqual(['org/base', 'org/parent@2']);
  contents.forget();
  expect(contents.list()[0]?.parents).toEqual(['org/base', 'org/parent@2', 'org/other']);
  models = [];
  changes.emit();
  contents.add(() => [{ modelId: 'line', version: '3', parents: [], files: [] }]);
  expect(contents.list().map(({ modelId }) => modelId)).toEqual(['line']);
});

test('packageContents() has the version in force and the one before', () => {
  const version = (number: string) => ({
    ...{ id: 'line', version: number },
    members: [{ path: `models/d-${number}.onnx`, sha256: digest(number), sizeBytes: 3, isOfTier: true }],
  });
  const row = { id: 'line', current: version('1.3'), previous: version('1.2') } as unknown as PackageRow;
  expect(packageContents([row]).map((one) => [one.version, one.files.map(({ path }) => path)])).toEqual([
    ['1.3', ['models/d-1.3.onnx']],
    ['1.2', ['models/d-1.2.onnx']],
  ]);
});
