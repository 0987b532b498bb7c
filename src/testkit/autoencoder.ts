/** A small autoencoder, trained by gradient descent (Adam): rows that are unlike the training data come out unlike themselves. */
import { type Random, seededRandom } from '../core/index.ts';

/** One dense layer; `weights[input * outputs + output]`, as a row-major matrix [inputs, outputs]. */
export interface DenseLayer {
  readonly inputs: number;
  readonly outputs: number;
  readonly weights: Float64Array;
  readonly bias: Float64Array;
  /** All layers but the last one bend. */
  readonly bends: boolean;
}

export interface TrainingPlan {
  /** Widths from the input to the output: `[3, 8, 2, 8, 3]`. */
  readonly widths: readonly number[];
  readonly epochs: number;
  readonly batchRows: number;
  readonly learningRate: number;
  readonly seed: number;
}

interface Moments {
  readonly first: Float64Array;
  readonly second: Float64Array;
}

const [DECAY_FIRST, DECAY_SECOND, TINY] = [0.9, 0.999, 1e-8];

/** Layers that give the rows back as well as they can. */
export function trainAutoencoder(rows: readonly Float64Array[], plan: TrainingPlan): DenseLayer[] {
  const random = seededRandom(plan.seed);
  const layers = plan.widths
    .slice(1)
    .map((outputs, at) => freshLayer(plan.widths[at] as number, outputs, random, at < plan.widths.length - 2));
  const gradients = layers.map(
    ({ weights, bias }) => [new Float64Array(weights.length), new Float64Array(bias.length)] as const,
  );
  const moments = layers.map(({ weights, bias }) => [freshMoments(weights.length), freshMoments(bias.length)] as const);
  const order = rows.map((_, at) => at);
  let step = 0;
  for (let epoch = 0; epoch < plan.epochs; epoch += 1) {
    shuffle(order, random);
    for (let from = 0; from < order.length; from += plan.batchRows) {
      const batch = order.slice(from, from + plan.batchRows);
      for (const at of batch) addGradients(layers, gradients, rows[at] as Float64Array, 1 / batch.length);
      step += 1;
      for (const [at, layer] of layers.entries()) {
        for (const [which, values] of [layer.weights, layer.bias].entries())
          descend(
            values,
            gradients[at]?.[which] as Float64Array,
            moments[at]?.[which] as Moments,
            plan.learningRate,
            step,
          );
      }
    }
  }
  return layers;
}

/** What each layer gives for a row; the last one is the answer. */
export function runLayers(layers: readonly DenseLayer[], row: Float64Array): Float64Array[] {
  const results: Float64Array[] = [];
  let at = row;
  for (const layer of layers) {
    at = runLayer(layer, at);
    results.push(at);
  }
  return results;
}

function runLayer({ inputs, outputs, weights, bias, bends }: DenseLayer, row: Float64Array): Float64Array {
  const result = Float64Array.from(bias);
  for (let input = 0; input < inputs; input += 1) {
    for (let output = 0; output < outputs; output += 1)
      result[output] = at(result, output) + at(row, input) * at(weights, input * outputs + output);
  }
  return bends ? result.map(Math.tanh) : result;
}

/** Back-propagates the squared error of one row. */
function addGradients(
  layers: readonly DenseLayer[],
  gradients: readonly (readonly [Float64Array, Float64Array])[],
  row: Float64Array,
  share: number,
): void {
  const results = runLayers(layers, row);
  const answer = results.at(-1) as Float64Array;
  let error = answer.map((value, index) => (2 * share * (value - at(row, index))) / row.length);
  for (let depth = layers.length - 1; depth >= 0; depth -= 1) {
    const layer = layers[depth] as DenseLayer;
    const result = results[depth] as Float64Array;
    const before = depth === 0 ? row : (results[depth - 1] as Float64Array);
    const [weightGradients, biasGradients] = gradients[depth] as readonly [Float64Array, Float64Array];
    if (layer.bends) error = error.map((value, index) => value * (1 - at(result, index) ** 2));
    const passed = new Float64Array(layer.inputs);
    for (let output = 0; output < layer.outputs; output += 1) {
      biasGradients[output] = at(biasGradients, output) + at(error, output);
      for (let input = 0; input < layer.inputs; input += 1) {
        const index = input * layer.outputs + output;
        weightGradients[index] = at(weightGradients, index) + at(error, output) * at(before, input);
        passed[input] = at(passed, input) + at(error, output) * at(layer.weights, index);
      }
    }
    error = passed;
  }
}

/** One step of Adam; empties the gradients. */
function descend(
  values: Float64Array,
  gradients: Float64Array,
  { first, second }: Moments,
  rate: number,
  step: number,
) {
  const [warmFirst, warmSecond] = [1 - DECAY_FIRST ** step, 1 - DECAY_SECOND ** step];
  for (let index = 0; index < values.length; index += 1) {
    const gradient = at(gradients, index);
    first[index] = DECAY_FIRST * at(first, index) + (1 - DECAY_FIRST) * gradient;
    second[index] = DECAY_SECOND * at(second, index) + (1 - DECAY_SECOND) * gradient ** 2;
    const pace = at(first, index) / warmFirst / (Math.sqrt(at(second, index) / warmSecond) + TINY);
    values[index] = at(values, index) - rate * pace;
  }
  gradients.fill(0);
}

function freshLayer(inputs: number, outputs: number, random: Random, bends: boolean): DenseLayer {
  const reach = Math.sqrt(6 / (inputs + outputs));
  const weights = Float64Array.from({ length: inputs * outputs }, () => (2 * random.next() - 1) * reach);
  return { inputs, outputs, weights, bias: new Float64Array(outputs), bends };
}

function freshMoments(length: number): Moments {
  return { first: new Float64Array(length), second: new Float64Array(length) };
}

function shuffle(order: number[], random: Random): void {
  for (let last = order.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random.next() * (last + 1));
    [order[last], order[other]] = [order[other] as number, order[last] as number];
  }
}

function at(values: Float64Array, index: number): number {
  return values[index] as number;
}
