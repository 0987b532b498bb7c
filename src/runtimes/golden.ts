/** Golden values of a manifest: what to ask a model, and what it should answer. Pure. Spec: docs/spec/17-deployment.md §5.5. */
import { RuntimeError } from './errors.ts';
import { RUNTIMES_LIMITS } from './limits.ts';

export type GoldenValue = number | boolean | string;

export interface GoldenTensor {
  readonly shape: readonly number[];
  readonly data: readonly GoldenValue[];
}

export interface Golden {
  readonly inputs: Readonly<Record<string, GoldenTensor>>;
  readonly outputs: Readonly<Record<string, GoldenTensor>>;
  readonly tolerance: number;
}

interface Described {
  readonly config: Readonly<Record<string, unknown>>;
  readonly metadata: Readonly<Record<string, unknown>>;
}

const DEFAULT_TOLERANCE = 0.001;

/** Undefined where the manifest has none. Throws RuntimeError `bad_golden`. */
export function goldenOf({ config, metadata }: Described): Golden | undefined {
  const value = metadata.golden ?? config.golden;
  return value === undefined || value === null ? undefined : parseGolden(value);
}

/** Throws RuntimeError `bad_golden`. */
export function parseGolden(value: unknown): Golden {
  if (!isObject(value)) throw bad('it', 'an object');
  const { inputs, outputs = {}, tolerance = DEFAULT_TOLERANCE } = value;
  if (typeof tolerance !== 'number' || !(tolerance >= 0) || !Number.isFinite(tolerance))
    throw bad('tolerance', 'a number from 0');
  const golden = { inputs: parseTensors('inputs', inputs), outputs: parseTensors('outputs', outputs), tolerance };
  const tensors = [...Object.values(golden.inputs), ...Object.values(golden.outputs)];
  const values = tensors.reduce((sum, { data }) => sum + data.length, 0);
  if (values > RUNTIMES_LIMITS.goldenValues) throw bad('it', `of at most ${RUNTIMES_LIMITS.goldenValues} values`);
  return golden;
}

function parseTensors(where: string, value: unknown): Record<string, GoldenTensor> {
  if (!isObject(value)) throw bad(where, 'an object of tensors by name');
  const entries = Object.entries(value).map(
    ([name, tensor]) => [name, parseTensor(`${where}.${name}`, tensor)] as const,
  );
  if (where === 'inputs' && entries.length === 0) throw bad(where, 'a tensor for each input');
  return Object.fromEntries(entries);
}

function parseTensor(where: string, value: unknown): GoldenTensor {
  return isObject(value) ? parseShaped(where, value) : parseNested(where, value);
}

function parseShaped(where: string, { shape, data }: Readonly<Record<string, unknown>>): GoldenTensor {
  if (!Array.isArray(shape) || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw bad(`${where}.shape`, 'an array of whole numbers');
  if (shape.length > RUNTIMES_LIMITS.goldenDimensions) throw tooDeep(where);
  if (!Array.isArray(data)) throw bad(`${where}.data`, 'an array of values');
  const count = shape.reduce((product: number, size: number) => product * size, 1);
  if (data.length !== count)
    throw bad(`${where}.data`, `of the ${count} values that the shape tells, not ${data.length}`);
  return { shape, data: data.map((one) => parseValue(where, one)) };
}

function parseNested(where: string, value: unknown): GoldenTensor {
  const shape: number[] = [];
  let level: readonly unknown[] = [value];
  while (level.some(Array.isArray)) {
    const lists = level.map((one) => (Array.isArray(one) ? one : []));
    const size = lists[0]?.length ?? 0;
    const isEven = level.every((one, index) => Array.isArray(one) && lists[index]?.length === size);
    if (!isEven) throw bad(where, 'made of rows that are all of one length');
    shape.push(size);
    if (shape.length > RUNTIMES_LIMITS.goldenDimensions) throw tooDeep(where);
    if (size * level.length > RUNTIMES_LIMITS.goldenValues)
      throw bad(where, `of at most ${RUNTIMES_LIMITS.goldenValues} values`);
    level = lists.flat(1);
  }
  return { shape, data: level.map((one) => parseValue(where, one)) };
}

function parseValue(where: string, value: unknown): GoldenValue {
  if (typeof value === 'boolean' || typeof value === 'string') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw bad(where, 'made of finite numbers, booleans or texts');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function tooDeep(where: string): RuntimeError {
  return bad(where, `of at most ${RUNTIMES_LIMITS.goldenDimensions} dimensions`);
}

function bad(where: string, wanted: string): RuntimeError {
  return new RuntimeError(
    'bad_golden',
    `Reading the manifest’s golden values: ${where.slice(0, 100)} is not ${wanted}`,
  );
}
