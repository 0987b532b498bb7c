/** Initializers and value infos of an ONNX graph. Spec: docs/spec/07-formats.md §4.2–4.5. */
import { FORMATS_LIMITS } from './limits.ts';
import type { ProtobufCursor, ProtobufField } from './protobuf-cursor.ts';
import { isSafeRelativePath } from './relative-path.ts';

const MOST_DIMENSIONS = 64;

export interface OnnxValue {
  readonly name: string;
  /** ONNX data type number; 0 where the value is no tensor. */
  readonly elementType: number;
  /** A number, or the name of a free dimension. */
  readonly shape: readonly (number | string)[];
}

export interface OnnxInitializer {
  readonly dataType: number;
  readonly elements: number;
  readonly dataFile?: string;
}

export async function readInitializer(cursor: ProtobufCursor, field: ProtobufField): Promise<OnnxInitializer> {
  const dimensions: bigint[] = [];
  let dataType = 0;
  let dataFile: string | undefined;
  await cursor.eachFieldOf(field, async (inner) => {
    if (inner.number === 1) dimensions.push(...(await cursor.varints(inner, MOST_DIMENSIONS)));
    if (inner.number === 2) dataType = Number(inner.varint);
    if (inner.number === 13) dataFile = (await readLocation(cursor, inner)) ?? dataFile;
    if (dimensions.length > MOST_DIMENSIONS) throw cursor.fail(`a tensor has over ${MOST_DIMENSIONS} dimensions`);
  });
  const elements = Number(dimensions.reduce((product, dimension) => product * dimension, 1n));
  if (!Number.isSafeInteger(elements)) throw cursor.fail('a tensor has more than 2^53 elements');
  return { dataType, elements, ...(dataFile === undefined ? {} : { dataFile }) };
}

/** `location` of one external_data pair. The path is chosen by the file: it must stay below the model's folder. */
async function readLocation(cursor: ProtobufCursor, field: ProtobufField): Promise<string | undefined> {
  let key = '';
  let value = '';
  await cursor.eachFieldOf(field, async (inner) => {
    if (inner.number === 1) key = await cursor.text(inner);
    if (inner.number === 2) value = await cursor.text(inner);
  });
  if (key !== 'location') return undefined;
  const path = value.replace(/^\.\//, '');
  if (!isSafeRelativePath(path)) throw cursor.fail(`external data lies at ${JSON.stringify(value.slice(0, 80))}`);
  return path;
}

export async function readValueInfo(cursor: ProtobufCursor, field: ProtobufField): Promise<OnnxValue> {
  let name = '';
  let type: Omit<OnnxValue, 'name'> = { elementType: 0, shape: [] };
  await cursor.eachFieldOf(field, async (inner) => {
    if (inner.number === 1) name = await cursor.text(inner);
    if (inner.number === 2) type = await readType(cursor, inner);
  });
  return { name, ...type };
}

async function readType(cursor: ProtobufCursor, field: ProtobufField): Promise<Omit<OnnxValue, 'name'>> {
  let elementType = 0;
  const shape: (number | string)[] = [];
  await cursor.eachFieldOf(field, async (type) => {
    if (type.number !== 1) return;
    await cursor.eachFieldOf(type, async (tensor) => {
      if (tensor.number === 1) elementType = Number(tensor.varint);
      if (tensor.number === 2) await readShape(cursor, tensor, shape);
    });
  });
  return { elementType, shape };
}

async function readShape(cursor: ProtobufCursor, field: ProtobufField, shape: (number | string)[]): Promise<void> {
  await cursor.eachFieldOf(field, async (dimension) => {
    if (dimension.number !== 1) return;
    let size: number | string = '?';
    await cursor.eachFieldOf(dimension, async (inner) => {
      if (inner.number === 1) size = Number(BigInt.asIntN(64, inner.varint));
      if (inner.number === 2) size = (await cursor.text(inner)).slice(0, FORMATS_LIMITS.textChars);
    });
    shape.push(size);
    if (shape.length > MOST_DIMENSIONS) throw cursor.fail(`a shape has over ${MOST_DIMENSIONS} dimensions`);
  });
}
