import { expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { type FolderFacts, planFolder, planSnapshot } from './plan-models.ts';

const facts = (paths: string[], more: Partial<FolderFacts> = {}): FolderFacts => ({
  paths: paths.sort(),
  dataFiles: new Map(),
  shards: new Map(),
  ...more,
});

interface SnapshotCase {
  readonly name: string;
  readonly paths: string[];
  readonly models: [string, string[]][];
  readonly missing?: number;
}

test.each(vectorCases<SnapshotCase>('inventory', 'snapshots.json'))(
  'planSnapshot() answers %s',
  (_, { paths, models, missing = 0 }) => {
    const planned = planSnapshot(facts(paths));
    expect(planned.map(({ idPath, files }) => [idPath, files]).sort()).toEqual(models.sort());
    expect(planned.reduce((sum, plan) => sum + plan.missing.length, 0)).toBe(missing);
  },
);

test('planSnapshot() names the shards that an index lists and that are not there', () => {
  const index = 'model.safetensors.index.json';
  const shards = new Map([[index, ['a.safetensors', 'b.safetensors']]]);
  const [plan] = planSnapshot(facts(['config.json', index, 'a.safetensors'], { shards }));
  expect(plan?.missing).toEqual(['b.safetensors']);
});

test('planFolder() takes an ONNX and its data as one, and names data that is not there', () => {
  const dataFiles = new Map([['d/m.onnx', ['d/m.data', 'd/n.data']]]);
  const [plan] = planFolder(facts(['d/m.onnx', 'd/m.data'], { dataFiles }));
  expect(plan).toEqual({
    idPath: 'd/m',
    base: 'd',
    files: ['d/m.onnx', 'd/m.data'],
    isFileSet: true,
    missing: ['d/n.data'],
  });
});

test('planFolder() takes a folder of config and weights as one set, those below it included', () => {
  const paths = [
    'llm/config.json',
    'llm/model.safetensors',
    'llm/sub/config.json',
    'llm/sub/x.safetensors',
    'one.pt',
    'notes.txt',
  ];
  const plans = planFolder(facts(paths));
  expect(plans.map(({ idPath, files, isFileSet }) => [idPath, files.length, isFileSet])).toEqual([
    ['llm', 4, true],
    ['one', 1, false],
  ]);
});

test('planFolder() takes a pipeline of folders as one set', () => {
  const paths = [
    'p/model_index.json',
    'p/unet/config.json',
    'p/unet/d.safetensors',
    'p/vae/config.json',
    'p/vae/d.safetensors',
  ];
  expect(planFolder(facts(paths)).map(({ idPath }) => idPath)).toEqual(['p']);
});

test('planFolder() leaves GGUF files in a set folder to themselves', () => {
  const plans = planFolder(facts(['m/config.json', 'm/model.safetensors', 'm/m.Q8_0.gguf']));
  expect(plans.map(({ idPath }) => idPath)).toEqual(['m', 'm/m.Q8_0']);
});
