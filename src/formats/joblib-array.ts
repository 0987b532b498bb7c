/**
 * joblib writes an array's bytes into the middle of a pickle, after the object that describes it; its reader takes them from there
 * at BUILD. To list what comes after, they have to be stepped over as it would. Spec: docs/spec/07-formats.md §5.4.
 */
import { FORMATS_LIMITS } from './limits.ts';
import type { MadeValue, PickleValue } from './pickle-values.ts';

export interface JoblibArray {
  /** Of the array; undefined where its elements are objects, which are a pickle of their own at this place. */
  readonly sizeBytes: number | undefined;
  /** A byte with the length of a padding, and the padding, come first. */
  readonly isPadded: boolean;
}

const WRAPPER = 'joblib.numpy_pickle.NumpyArrayWrapper';

/** Undefined for anything but a wrapper; a string says why its bytes cannot be measured. */
export function joblibArrayAfter(value: PickleValue): JoblibArray | string | undefined {
  if (value.kind !== 'made' || `${value.by.module}.${value.by.name}` !== WRAPPER) return undefined;
  if (value.state?.kind !== 'dict') return 'an array of joblib without its description';
  const { fields } = value.state;
  const elements = countOf(fields.get('shape'));
  const element = elementOf(fields.get('dtype'));
  if (elements === undefined || element === undefined) return 'an array of joblib whose size cannot be told';
  const isPadded = fields.get('numpy_array_alignment_bytes')?.kind === 'int';
  if (element === 'object') return { sizeBytes: undefined, isPadded: false };
  return { sizeBytes: elements * element, isPadded };
}

function countOf(shape: PickleValue | undefined): number | undefined {
  if (shape?.kind !== 'tuple') return undefined;
  let count = 1;
  for (const item of shape.items) {
    if (item.kind !== 'int' || item.value < 0) return undefined;
    count *= item.value;
  }
  return Number.isSafeInteger(count) ? count : undefined;
}

/** Bytes of an element by `numpy.dtype('f8', …)`; undefined where that does not tell. */
function elementOf(dtype: PickleValue | undefined, depth = 0): number | 'object' | undefined {
  if (dtype?.kind !== 'made' || dtype.by.name !== 'dtype' || dtype.args.kind !== 'tuple') return undefined;
  const [code] = dtype.args.items;
  const match = code?.kind === 'text' ? /^[<>|=]?([biufcSUO?mMV])(\d{1,9})?$/.exec(code.text) : null;
  if (match === null) return undefined;
  const [, letter, digits] = match;
  if (letter === 'O') return 'object';
  if (letter === '?') return 1;
  const sizeBytes = digits === undefined ? undefined : Number(digits) * (letter === 'U' ? 4 : 1);
  return letter === 'V' && sizeBytes !== undefined ? structOf(dtype, sizeBytes, depth) : sizeBytes;
}

/** A record: its fields stand in the state, `(version, order, subarray, names, fields, …)`; one of objects makes all a pickle. */
function structOf(dtype: MadeValue, sizeBytes: number, depth: number): number | 'object' | undefined {
  if (dtype.state?.kind !== 'tuple' || depth >= FORMATS_LIMITS.pickleDepth) return undefined;
  const [, , subarray, , fields] = dtype.state.items;
  if (subarray?.kind !== 'none' || fields?.kind !== 'dict') return undefined;
  if (fields.fields.size === 0 || fields.fields.size >= FORMATS_LIMITS.pickleDictFields) return undefined;
  const inner = [...fields.fields.values()].map((field) =>
    field.kind === 'tuple' ? elementOf(field.items[0], depth + 1) : undefined,
  );
  if (inner.includes(undefined)) return undefined;
  return inner.includes('object') ? 'object' : sizeBytes;
}
