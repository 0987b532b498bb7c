/**
 * A detector of odd network traffic that is really trained: an autoencoder learns what ordinary rows are like, and the score of a
 * row is how badly it comes back. v1 looks at plain bytes and milliseconds; v2 at their logarithms, for longer, and is better.
 */
import { type DenseLayer, runLayers, trainAutoencoder } from './autoencoder.ts';
import { type TrafficRow, trafficRows } from './traffic.ts';

export type DetectorVersion = 'v1' | 'v2';

export interface Detector {
  readonly version: DetectorVersion;
  readonly usesLogarithms: boolean;
  /** Of each feature, over the training rows. */
  readonly means: readonly number[];
  readonly deviations: readonly number[];
  readonly layers: readonly DenseLayer[];
  /** Rows with a higher score are odd: one in fifty of the ordinary ones has one. */
  readonly threshold: number;
}

const RECIPES = {
  v1: { usesLogarithms: false, rows: 600, epochs: 6, widths: [3, 4, 1, 4, 3] },
  v2: { usesLogarithms: true, rows: 1_500, epochs: 40, widths: [3, 6, 2, 6, 3] },
} as const;

const FALSE_ALARMS = 0.02;

/** Takes well under a second. The same version and seed give the same detector. */
export function trainDetector(version: DetectorVersion, seed = 1): Detector {
  const { usesLogarithms, rows, epochs, widths } = RECIPES[version];
  const features = trafficRows(seed, rows, 0).map(({ values }) => featuresOf(values, usesLogarithms));
  const means = columns(features).map(mean);
  const deviations = columns(features).map((column) =>
    Math.sqrt(mean(column.map((value) => (value - mean(column)) ** 2))),
  );
  const draft = { version, usesLogarithms, means, deviations, layers: [], threshold: 0 };
  const scaled = features.map((row) => scale(draft, row));
  const layers = trainAutoencoder(scaled, { widths, epochs, batchRows: 16, learningRate: 0.01, seed });
  const trained = { ...draft, layers };
  const scores = scaled.map((row) => scoreScaled(trained, row)).sort((a, b) => a - b);
  return { ...trained, threshold: scores[Math.floor(scores.length * (1 - FALSE_ALARMS))] ?? 0 };
}

/** Mean squared difference between a row and what comes back: computed here, in double precision, as the ONNX file computes it. */
export function scoreRow(detector: Detector, values: TrafficRow['values']): number {
  return scoreScaled(detector, scale(detector, featuresOf(values, detector.usesLogarithms)));
}

/** How often an odd row has a higher score than an ordinary one: 1 is perfect, 0.5 is chance. */
export function areaUnderCurve(scores: readonly number[], isOdd: readonly boolean[]): number {
  const sorted = scores.map((score, at) => ({ score, isOdd: isOdd[at] === true })).sort((a, b) => a.score - b.score);
  const odd = sorted.filter((one) => one.isOdd).length;
  let ordinaryBelow = 0;
  let won = 0;
  for (const one of sorted) {
    if (one.isOdd) won += ordinaryBelow;
    else ordinaryBelow += 1;
  }
  return won / (odd * (sorted.length - odd));
}

function scoreScaled({ layers }: Detector, row: Float64Array): number {
  const back = runLayers(layers, row).at(-1) ?? row;
  return mean(Array.from(row, (value, at) => (value - (back[at] ?? 0)) ** 2));
}

function featuresOf(values: TrafficRow['values'], usesLogarithms: boolean): number[] {
  return values.map((value) => (usesLogarithms ? Math.log(1 + Math.max(0, value)) : Math.max(0, value)));
}

function scale({ means, deviations }: Pick<Detector, 'means' | 'deviations'>, row: readonly number[]): Float64Array {
  return Float64Array.from(row, (value, at) => (value - (means[at] ?? 0)) / (deviations[at] ?? 1));
}

function columns(rows: readonly (readonly number[])[]): number[][] {
  return (rows[0] ?? []).map((_, at) => rows.map((row) => row[at] ?? 0));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
