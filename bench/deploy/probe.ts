/** `npm run bench -- probe`: what a probe costs: the runtime's process, loading and one inference, for models from a detector to half a gigabyte. */
import { mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MB, type ModelId } from '../../src/core/index.ts';
import { OnnxProbe, type ProbeResult } from '../../src/runtimes/index.ts';
import { writeDetector, writeLayers } from '../../src/testkit/onnx-models.ts';

interface ProbeRow {
  readonly model: string;
  readonly megabytes: number;
  /** Medians of the rounds. */
  readonly milliseconds: number;
  readonly loadMilliseconds: number;
  readonly inferMilliseconds: number;
  /** Largest of the rounds, resident, the runtime itself with it. */
  readonly peakMegabytes: number;
}

const ROUNDS = 5;
const SIZES = [10 * MB, 100 * MB, 500 * MB];

const { lookMilliseconds, rows } = await measureProbes(ROUNDS);
console.log(`which execution providers load, once in a node's life: ${Math.round(lookMilliseconds)} ms`);
console.table(rows.map((row) => ({ ...row, ...rounded(row) })));

/** Finding out which execution providers load, once a node's life, in milliseconds; then a row a model. */
async function measureProbes(rounds: number): Promise<{ lookMilliseconds: number; rows: ProbeRow[] }> {
  const folder = join(tmpdir(), `bench-probe-${process.pid}`);
  await mkdir(folder, { recursive: true });
  try {
    const probe = new OnnxProbe();
    const startedMs = performance.now();
    const state = await probe.state();
    if ('missing' in state) throw new Error(state.missing);
    const lookMilliseconds = performance.now() - startedMs;
    const detector = await writeDetector(join(folder, 'detector.onnx'));
    const rows = [await measure(probe, 'detector', detector.path, detector.sizeBytes, rounds)];
    for (const sizeBytes of SIZES) {
      const path = join(folder, 'layers.onnx');
      const written = await writeLayers(path, sizeBytes);
      rows.push(await measure(probe, 'dense layers', path, written.sizeBytes, rounds));
    }
    return { lookMilliseconds, rows };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(
  probe: OnnxProbe,
  model: string,
  path: string,
  bytes: number,
  rounds: number,
): Promise<ProbeRow> {
  const manifest = { model_id: model as ModelId, version: '1', format: 'onnx', config: {}, metadata: {} } as const;
  const results: ProbeResult[] = [];
  for (let round = 0; round < rounds; round += 1)
    results.push(await probe.probe({ manifest, path }, new AbortController().signal));
  const median = (of: (result: ProbeResult) => number | undefined) =>
    results.map((result) => of(result) ?? 0).sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
  return {
    model,
    megabytes: bytes / MB,
    milliseconds: median(({ durationMs }) => durationMs),
    loadMilliseconds: median(({ loadMs }) => loadMs),
    inferMilliseconds: median(({ inferMs }) => inferMs),
    peakMegabytes: Math.max(...results.map(({ peakMemoryBytes = 0 }) => peakMemoryBytes)) / MB,
  };
}

function rounded(row: ProbeRow): Partial<Record<keyof ProbeRow, number>> {
  const numbers = Object.entries(row).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(numbers.map(([name, value]) => [name, Number(Number(value).toPrecision(3))]));
}
