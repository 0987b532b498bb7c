/** ONNX models that really run: a trained detector in two versions, with golden values, and models that are broken each in its own way. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Detector, type DetectorVersion, scoreRow, trainDetector } from './anomaly-detector.ts';
import type { DenseLayer } from './autoencoder.ts';
import type { WrittenFile } from './model-files.ts';
import { type GraphNode, type GraphTensor, onnxBytes } from './onnx-graph.ts';
import { TRAFFIC_FEATURES, trafficRows } from './traffic.ts';

export interface GoldenValues {
  readonly inputs: Readonly<Record<string, readonly (readonly number[])[]>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly tolerance: number;
}

export interface WrittenDetector extends WrittenFile {
  readonly detector: Detector;
  readonly golden: GoldenValues;
}

/** Ordinary ones, and as many odd ones. */
const GOLDEN_ROWS = 3;

/** Trains and writes a detector: `traffic` [rows, 3] → `score` [rows], `is_anomaly` [rows]. The same arguments, the same bytes. */
export async function writeDetector(
  path: string,
  { version = 'v2', seed = 1 }: { readonly version?: DetectorVersion; readonly seed?: number } = {},
): Promise<WrittenDetector> {
  const detector = trainDetector(version, seed);
  return { ...(await write(path, detectorBytes(detector))), detector, golden: goldenValues(detector) };
}

/** For a manifest's `metadata.golden`: rows, and the scores that the same weights give in double precision, outside any runtime. */
export function goldenValues(detector: Detector): GoldenValues {
  const samples = [...trafficRows(7, GOLDEN_ROWS, 0), ...trafficRows(8, GOLDEN_ROWS, 1)];
  const rows = samples.map(({ values }) => values.map(Math.round));
  const scores = rows.map((row) => scoreRow(detector, row as [number, number, number]));
  return { inputs: { traffic: rows }, outputs: { score: scores }, tolerance: 0.0005 };
}

export function detectorBytes(detector: Detector): Buffer {
  const width = TRAFFIC_FEATURES.length;
  const row = (name: string, values: readonly number[]): GraphTensor => ({ name, shape: [values.length], values });
  const layers = detector.layers.map(denseLayer);
  return onnxBytes({
    name: 'traffic-detector',
    properties: { description: `autoencoder ${detector.version}`, features: TRAFFIC_FEATURES.join(',') },
    tensors: [
      row('zero', [0]),
      row('one', [1]),
      row('means', detector.means),
      row('deviations', detector.deviations),
      row('threshold', [detector.threshold]),
      ...layers.flatMap(({ tensors }) => tensors),
    ],
    nodes: [
      op('Max', ['traffic', 'zero'], 'positive'),
      op('Add', ['positive', 'one'], 'more'),
      op(detector.usesLogarithms ? 'Log' : 'Identity', [detector.usesLogarithms ? 'more' : 'positive'], 'features'),
      op('Sub', ['features', 'means'], 'centred'),
      op('Div', ['centred', 'deviations'], 'hidden0'),
      ...layers.flatMap(({ nodes }) => nodes),
      op('Sub', ['hidden0', `hidden${layers.length}`], 'difference'),
      op('Mul', ['difference', 'difference'], 'squared'),
      { ...op('ReduceMean', ['squared'], 'score'), attributes: { axes: { ints: [1] }, keepdims: { int: 0 } } },
      op('Greater', ['score', 'threshold'], 'is_anomaly'),
    ],
    inputs: [{ name: 'traffic', shape: ['rows', width] }],
    outputs: [
      { name: 'score', shape: ['rows'] },
      { name: 'is_anomaly', shape: ['rows'], type: 'bool' },
    ],
  });
}

const X = { name: 'X', shape: ['n', 4] } as const;
const Y = { name: 'Y', shape: ['n', 4] } as const;
const GIB_OF_FLOATS = 268_435_456;

/** Each is an ONNX file by its header. */
export const BROKEN_MODELS = {
  /** The runtime has no such operator. */
  loadFails: onnxBytes({ name: 'unknown-operator', nodes: [op('Frobnicate', ['X'], 'Y')], inputs: [X], outputs: [Y] }),
  /** No input can be reshaped to seven values. */
  runFails: onnxBytes({
    name: 'wrong-reshape',
    nodes: [op('Reshape', ['X', 'seven'], 'Y')],
    tensors: [{ name: 'seven', shape: [1], values: [7], type: 'int64' }],
    inputs: [{ name: 'X', shape: ['n', 'm'] }],
    outputs: [{ name: 'Y', shape: ['k'] }],
  }),
  /** The logarithm of minus one. */
  answersNaN: onnxBytes({
    name: 'not-a-number',
    nodes: [op('Sub', ['X', 'one'], 'below'), op('Log', ['below'], 'Y')],
    tensors: [{ name: 'one', shape: [1], values: [1] }],
    inputs: [X],
    outputs: [Y],
  }),
  /** Eight times 1 GiB of ones, all wanted at once. */
  eatsMemory: onnxBytes({
    name: 'memory',
    nodes: [
      ...['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((name) => op('Expand', ['X', 'giga'], name)),
      op('Sum', ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'], 'sum'),
      { ...op('ReduceMean', ['sum'], 'Y'), attributes: { axes: { ints: [0] }, keepdims: { int: 1 } } },
    ],
    tensors: [{ name: 'giga', shape: [1], values: [GIB_OF_FLOATS], type: 'int64' }],
    inputs: [{ name: 'X', shape: [1] }],
    outputs: [{ name: 'Y', shape: [1] }],
  }),
  /** A loop of 2^53 rounds: it never answers. */
  hangs: onnxBytes({
    name: 'endless',
    nodes: [
      {
        operator: 'Loop',
        inputs: ['rounds', 'go', 'X'],
        outputs: ['Y'],
        attributes: {
          body: {
            graph: {
              name: 'round',
              nodes: [op('Identity', ['going'], 'goOn'), op('Add', ['value', 'value'], 'next')],
              inputs: [
                { name: 'round', shape: [], type: 'int64' },
                { name: 'going', shape: [], type: 'bool' },
                { name: 'value', shape: [1] },
              ],
              outputs: [
                { name: 'goOn', shape: [], type: 'bool' },
                { name: 'next', shape: [1] },
              ],
            },
          },
        },
      },
    ],
    tensors: [
      { name: 'rounds', shape: [], values: [Number.MAX_SAFE_INTEGER], type: 'int64' },
      { name: 'go', shape: [], values: [1], type: 'bool' },
    ],
    inputs: [{ name: 'X', shape: [1] }],
    outputs: [{ name: 'Y', shape: [1] }],
  }),
  /** Its weights are in a file beside it, which is not there. */
  lacksData: withExternalData('weights.bin'),
  /** Its weights would be in a file outside its folder. */
  readsOutside: withExternalData('../outside.bin'),
} as const;

export type BrokenModel = keyof typeof BROKEN_MODELS;

export function writeBrokenModel(path: string, kind: BrokenModel): Promise<WrittenFile> {
  return write(path, BROKEN_MODELS[kind]);
}

/** `Y = X × W`, W [4, 4] in another file, 64 bytes. */
export function withExternalData(externalFile: string): Buffer {
  return onnxBytes({
    name: 'external',
    nodes: [op('MatMul', ['X', 'W'], 'Y')],
    tensors: [{ name: 'W', shape: [4, 4], values: [], externalFile }],
    inputs: [X],
    outputs: [Y],
  });
}

const LAYER_WIDTH = 1024;

/** Dense layers of 4 MiB each, as many as `sizeBytes` hold: a model of any size that runs. `X` [n, 1024] → `Y` [n, 1024]. */
export async function writeLayers(path: string, sizeBytes: number): Promise<WrittenFile> {
  const count = Math.max(1, Math.floor(sizeBytes / (LAYER_WIDTH * LAYER_WIDTH * 4)));
  const names = Array.from({ length: count }, (_, at) => `W${at}`);
  const values = Array.from({ length: LAYER_WIDTH * LAYER_WIDTH }, (_, at) => ((at * 7919) % 1000) / 1e6);
  const file = onnxBytes({
    name: 'layers',
    tensors: names.map((name) => ({ name, shape: [LAYER_WIDTH, LAYER_WIDTH], values })),
    nodes: names.map((name, at) =>
      op('MatMul', [at === 0 ? 'X' : `H${at}`, name], at === count - 1 ? 'Y' : `H${at + 1}`),
    ),
    inputs: [{ name: 'X', shape: ['n', LAYER_WIDTH] }],
    outputs: [{ name: 'Y', shape: ['n', LAYER_WIDTH] }],
  });
  return write(path, file);
}

async function write(path: string, bytes: Buffer): Promise<WrittenFile> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return { path, sizeBytes: bytes.length };
}

function denseLayer({ inputs, outputs, weights, bias, bends }: DenseLayer, at: number) {
  const [before, after] = [`hidden${at}`, `hidden${at + 1}`];
  const tensors: GraphTensor[] = [
    { name: `weights${at}`, shape: [inputs, outputs], values: [...weights] },
    { name: `bias${at}`, shape: [outputs], values: [...bias] },
  ];
  const nodes: GraphNode[] = [
    op('MatMul', [before, `weights${at}`], `product${at}`),
    op('Add', [`product${at}`, `bias${at}`], bends ? `sum${at}` : after),
    ...(bends ? [op('Tanh', [`sum${at}`], after)] : []),
  ];
  return { tensors, nodes };
}

function op(operator: string, inputs: readonly string[], output: string): GraphNode {
  return { operator, inputs, outputs: [output] };
}
