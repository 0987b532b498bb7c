import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findTrained, planTrained } from './llamafarm-import.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'llamafarm-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function put(folder: string, ...names: string[]): void {
  mkdirSync(join(dir, folder), { recursive: true });
  for (const name of names) writeFileSync(join(dir, folder, name), 'x');
}

test('folders give type and capabilities, names the id and the version', async () => {
  put('anomaly', 'network_detector_20260202_153000.joblib', 'notes.txt', '.hidden.onnx');
  put('classifier', 'traffic.onnx');
  put('thermal', 'camera.onnx');
  expect(await findTrained(dir, undefined)).toEqual([
    {
      path: join(dir, 'anomaly', 'network_detector_20260202_153000.joblib'),
      ...{ modelId: 'network_detector', version: '20260202_153000' },
      ...{ type: 'anomaly_detector', capabilities: ['anomaly_detection'] },
    },
    {
      path: join(dir, 'classifier', 'traffic.onnx'),
      ...{ modelId: 'traffic', version: undefined, type: 'classifier', capabilities: ['classification'] },
    },
    {
      path: join(dir, 'thermal', 'camera.onnx'),
      ...{ modelId: 'camera', version: undefined, type: undefined, capabilities: ['thermal'] },
    },
  ]);
});

test.each(['anomaly', 'anomaly_detector'])('--type %s takes that folder alone', async (wanted) => {
  put('anomaly', 'a.onnx');
  put('classifier', 'b.onnx');
  expect((await findTrained(dir, wanted)).map(({ modelId }) => modelId)).toEqual(['a']);
});

test('two of one name are told apart by their ending, and names that are no ids are made ones', () => {
  const entries = ['det.joblib', 'det.onnx', 'my model (1).onnx', '..'].map((name) => ({
    ...{ folder: 'anomaly', name, isFolder: name === '..' },
  }));
  expect(planTrained('/d', entries).map(({ modelId }) => modelId)).toEqual(['det', 'det-onnx', 'my-model-1-']);
});

test('where nothing is to be imported, what is there is told', async () => {
  await expect(findTrained(join(dir, 'none'), undefined)).rejects.toMatchObject({ code: 'nothing_to_import' });
  put('classifier', 'b.onnx');
  await expect(findTrained(dir, 'anomaly')).rejects.toThrow(/type anomaly.*classifier/);
});
