/** What an ONNX model says about itself, tensor data jumped over. Spec: docs/spec/07-formats.md §4. */
import { FormatsError } from './errors.ts';
import type { HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { type OnnxInitializer, type OnnxValue, readInitializer, readValueInfo } from './onnx-tensors.ts';
import { ProtobufCursor, type ProtobufField, WalkExhausted } from './protobuf-cursor.ts';

export interface OnnxHeader {
  readonly irVersion: number;
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly graphName: string;
  /** Operator set version by domain; `''` is the standard one. */
  readonly operatorSets: ReadonlyMap<string, number>;
  readonly metadata: ReadonlyMap<string, string>;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly parameterCount: number;
  /** Initializers of the graph. */
  readonly tensorCount: number;
  /** Elements by ONNX data type number. */
  readonly elementsByType: ReadonlyMap<number, number>;
  /** External files that hold tensors, sorted. */
  readonly dataFiles: readonly string[];
  /** False where the work bound ended the walk early. */
  readonly complete: boolean;
}

interface Draft {
  irVersion: number;
  producerName: string;
  producerVersion: string;
  domain: string;
  graphName: string;
  hasGraph: boolean;
  tensorCount: number;
  operatorSets: Map<string, number>;
  metadata: Map<string, string>;
  inputs: OnnxValue[];
  outputs: OnnxValue[];
  elementsByType: Map<number, number>;
  dataFiles: Set<string>;
}

/** Walks the model. Throws FormatsError. */
export async function readOnnx(source: HeaderSource): Promise<OnnxHeader> {
  const cursor = new ProtobufCursor(source);
  const draft = emptyDraft();
  const complete = await walkWithinBounds(cursor, draft, source.sizeBytes);
  if (draft.irVersion < 1 || !draft.hasGraph) throw cursor.fail('there is no ir_version or no graph');
  let parameterCount = 0;
  for (const elements of draft.elementsByType.values()) parameterCount += elements;
  const { hasGraph: _, dataFiles, ...fields } = draft;
  return { ...fields, dataFiles: [...dataFiles].sort(), parameterCount, complete };
}

async function walkWithinBounds(cursor: ProtobufCursor, draft: Draft, fileBytes: number): Promise<boolean> {
  try {
    await cursor.eachField(fileBytes, (field) => readModelField(cursor, draft, field));
    return true;
  } catch (thrown) {
    const isBound = thrown instanceof FormatsError && thrown.code === 'too_large_header';
    if (thrown instanceof WalkExhausted || isBound) return false;
    throw thrown;
  }
}

async function readModelField(cursor: ProtobufCursor, draft: Draft, field: ProtobufField): Promise<void> {
  switch (field.number) {
    case 1:
      draft.irVersion = Number(field.varint);
      break;
    case 2:
      draft.producerName = await cursor.text(field);
      break;
    case 3:
      draft.producerVersion = await cursor.text(field);
      break;
    case 4:
      draft.domain = await cursor.text(field);
      break;
    case 7:
      draft.hasGraph = true;
      await cursor.eachFieldOf(field, (inner) => readGraphField(cursor, draft, inner));
      break;
    case 8:
      await readOperatorSet(cursor, draft, field);
      break;
    case 14:
      await readProperty(cursor, draft, field);
      break;
  }
}

async function readGraphField(cursor: ProtobufCursor, draft: Draft, field: ProtobufField): Promise<void> {
  switch (field.number) {
    case 2:
      draft.graphName = await cursor.text(field);
      break;
    case 5:
      countInitializer(cursor, draft, await readInitializer(cursor, field));
      break;
    case 11:
      if (draft.inputs.length < FORMATS_LIMITS.onnxListItems) draft.inputs.push(await readValueInfo(cursor, field));
      break;
    case 12:
      if (draft.outputs.length < FORMATS_LIMITS.onnxListItems) draft.outputs.push(await readValueInfo(cursor, field));
      break;
  }
}

function countInitializer(cursor: ProtobufCursor, draft: Draft, tensor: OnnxInitializer): void {
  const total = (draft.elementsByType.get(tensor.dataType) ?? 0) + tensor.elements;
  if (!Number.isSafeInteger(total)) throw cursor.fail('the tensors have more than 2^53 elements');
  draft.elementsByType.set(tensor.dataType, total);
  draft.tensorCount += 1;
  if (tensor.dataFile !== undefined) draft.dataFiles.add(tensor.dataFile);
  if (draft.dataFiles.size > FORMATS_LIMITS.onnxListItems) throw cursor.fail('too many external data files');
}

async function readOperatorSet(cursor: ProtobufCursor, draft: Draft, field: ProtobufField): Promise<void> {
  let domain = '';
  let version = 0;
  await cursor.eachFieldOf(field, async (inner) => {
    if (inner.number === 1) domain = await cursor.text(inner);
    if (inner.number === 2) version = Number(BigInt.asIntN(64, inner.varint));
  });
  if (draft.operatorSets.size < FORMATS_LIMITS.onnxListItems) draft.operatorSets.set(domain, version);
}

async function readProperty(cursor: ProtobufCursor, draft: Draft, field: ProtobufField): Promise<void> {
  let key = '';
  let value = '';
  await cursor.eachFieldOf(field, async (inner) => {
    if (inner.number === 1) key = await cursor.text(inner);
    if (inner.number === 2) value = await cursor.text(inner);
  });
  if (draft.metadata.size < FORMATS_LIMITS.onnxListItems) draft.metadata.set(key, value);
}

function emptyDraft(): Draft {
  return {
    irVersion: 0,
    producerName: '',
    producerVersion: '',
    domain: '',
    graphName: '',
    hasGraph: false,
    tensorCount: 0,
    operatorSets: new Map(),
    metadata: new Map(),
    inputs: [],
    outputs: [],
    elementsByType: new Map(),
    dataFiles: new Set(),
  };
}
