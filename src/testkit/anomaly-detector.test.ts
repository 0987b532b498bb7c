/** The detector of the testkit is a real one: trained, exported, run by ONNX Runtime on rows that it has never seen. */
import { beforeAll, describe, expect, it } from 'vitest';
import { bufferSource, describeModelFile } from '../formats/index.ts';
import type { OnnxPackage } from '../runtimes/onnx/onnx-package.ts';
import { loadOnnxPackage, ONNX_PACKAGE } from '../runtimes/onnx/onnx-package.ts';
import { areaUnderCurve, type Detector, scoreRow, trainDetector } from './anomaly-detector.ts';
import { detectorBytes, goldenValues } from './onnx-models.ts';
import { trafficRows } from './traffic.ts';

const unseen = trafficRows(4_711, 1_000);
const isOdd = unseen.map((row) => row.isOdd);
let runtime: OnnxPackage;

beforeAll(async () => {
  runtime = await loadOnnxPackage(ONNX_PACKAGE);
});

/** What the ONNX file says of the rows, by the runtime. */
async function ask(detector: Detector, rows: readonly (readonly number[])[]) {
  const session = await runtime.InferenceSession.create(detectorBytes(detector), { intraOpNumThreads: 1 });
  const traffic = new runtime.Tensor('float32', Float32Array.from(rows.flat()), [rows.length, 3]);
  const { score, is_anomaly } = await session.run({ traffic }, ['score', 'is_anomaly']);
  return { scores: Array.from(score?.data ?? [], Number), verdicts: Array.from(is_anomaly?.data ?? [], Boolean) };
}

describe('the trained detector', () => {
  const [v1, v2] = [trainDetector('v1'), trainDetector('v2')];
  const rows = unseen.map(({ values }) => values);

  it('tells odd traffic from ordinary, by ONNX Runtime; v2 better than v1', async () => {
    const [first, second] = [await ask(v1, rows), await ask(v2, rows)];
    expect(areaUnderCurve(first.scores, isOdd)).toBeGreaterThan(0.88);
    expect(areaUnderCurve(second.scores, isOdd)).toBeGreaterThan(0.97);
    const right = second.verdicts.filter((verdict, at) => verdict === isOdd[at]).length;
    expect(right / rows.length).toBeGreaterThan(0.94);
  });

  it('finds what no single feature tells', () => {
    for (const feature of [0, 1, 2]) {
      const area = areaUnderCurve(
        rows.map((row) => row[feature] ?? 0),
        isOdd,
      );
      expect(Math.abs(area - 0.5)).toBeLessThan(0.1);
    }
  });

  it.each([v1, v2])('computes in the runtime what it computes here: $version', async (detector) => {
    const { scores } = await ask(detector, rows.slice(0, 50));
    for (const [at, row] of rows.slice(0, 50).entries()) expect(scores[at]).toBeCloseTo(scoreRow(detector, row), 2);
  });

  it('answers zeros, and values below zero, with numbers', async () => {
    const { scores } = await ask(v2, [
      [0, 0, 0],
      [-5, -1e9, -1],
    ]);
    expect(scores.every(Number.isFinite)).toBe(true);
  });

  it('is the same file each time, and golden scores that tell the versions apart', () => {
    expect(detectorBytes(trainDetector('v2')).equals(detectorBytes(v2))).toBe(true);
    expect(detectorBytes(trainDetector('v2', 2)).equals(detectorBytes(v2))).toBe(false);
    const [one, two] = [goldenValues(v1), goldenValues(v2)].map(({ outputs }) => Math.max(...(outputs.score ?? [])));
    expect(Math.abs((one ?? 0) - (two ?? 0))).toBeGreaterThan(0.01);
  });

  it('has a header that is read', async () => {
    const source = bufferSource(detectorBytes(v2));
    const { description, damage } = await describeModelFile(source, 'detector.onnx');
    expect(damage).toBeUndefined();
    expect(description).toMatchObject({ format: 'onnx', quantization: 'F32' });
    expect(description.parameterCount).toBeGreaterThan(60);
  });
});
