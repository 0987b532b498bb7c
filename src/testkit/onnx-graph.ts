/** A writer of ONNX models: nodes, attributes, subgraphs, tensors inside or in a file beside. Spec: docs/spec/07-formats.md §4. */
import { bytesField, varintField } from './onnx-builder.ts';

/** Numbers of TensorProto.DataType. */
export const ONNX_TYPES = { float: 1, int64: 7, bool: 9, float16: 10, double: 11 } as const;
export type OnnxType = keyof typeof ONNX_TYPES;

export interface GraphNode {
  readonly operator: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, GraphAttribute>>;
}

export type GraphAttribute =
  | { readonly int: number }
  | { readonly ints: readonly number[] }
  | { readonly graph: Graph };

export interface GraphTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly type?: 'float' | 'int64' | 'bool';
  /** The bytes are in this file beside the model, from its begin. */
  readonly externalFile?: string;
}

export interface GraphValue {
  readonly name: string;
  /** A text is a dimension that is left open. */
  readonly shape: readonly (number | string)[];
  readonly type?: OnnxType;
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly GraphNode[];
  readonly tensors?: readonly GraphTensor[];
  readonly inputs: readonly GraphValue[];
  readonly outputs: readonly GraphValue[];
}

export interface OnnxFile extends Graph {
  readonly irVersion?: number;
  readonly operatorSet?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

/** Bytes of a ModelProto: ir_version 8 and operator set 17, which every current runtime takes, unless told otherwise. */
export function onnxBytes({ irVersion = 8, operatorSet = 17, properties = {}, ...graph }: OnnxFile): Buffer {
  return Buffer.concat([
    varintField(1, irVersion),
    textField(2, 'atmosphere-testkit'),
    bytesField(7, graphBytes(graph)),
    bytesField(8, Buffer.concat([textField(1, ''), varintField(2, operatorSet)])),
    ...Object.entries(properties).map(([key, value]) =>
      bytesField(14, Buffer.concat([textField(1, key), textField(2, value)])),
    ),
  ]);
}

/** The bytes of a tensor as they lie in a file beside the model. */
export function tensorData({ values, type = 'float' }: GraphTensor): Buffer {
  if (type === 'bool') return Buffer.from(values);
  const array = type === 'float' ? Float32Array.from(values) : BigInt64Array.from(values, (value) => BigInt(value));
  return Buffer.from(array.buffer);
}

function graphBytes({ name, nodes, tensors = [], inputs, outputs }: Graph): Buffer {
  return Buffer.concat([
    ...nodes.map((node) => bytesField(1, nodeBytes(node))),
    textField(2, name),
    ...tensors.map((tensor) => bytesField(5, tensorBytes(tensor))),
    ...inputs.map((value) => bytesField(11, valueBytes(value))),
    ...outputs.map((value) => bytesField(12, valueBytes(value))),
  ]);
}

function nodeBytes({ operator, inputs, outputs, attributes = {} }: GraphNode): Buffer {
  return Buffer.concat([
    ...inputs.map((input) => textField(1, input)),
    ...outputs.map((output) => textField(2, output)),
    textField(4, operator),
    ...Object.entries(attributes).map(([name, value]) => bytesField(5, attributeBytes(name, value))),
  ]);
}

function attributeBytes(name: string, attribute: GraphAttribute): Buffer {
  const [type, fields] = attributeFields(attribute);
  return Buffer.concat([textField(1, name), ...fields, varintField(20, type)]);
}

function attributeFields(attribute: GraphAttribute): [type: number, fields: Buffer[]] {
  if ('int' in attribute) return [2, [varintField(3, attribute.int)]];
  if ('graph' in attribute) return [5, [bytesField(6, graphBytes(attribute.graph))]];
  return [7, attribute.ints.map((value) => varintField(8, value))];
}

function tensorBytes(tensor: GraphTensor): Buffer {
  const { name, shape, type = 'float', externalFile } = tensor;
  const data =
    externalFile === undefined
      ? [bytesField(9, tensorData(tensor))]
      : [bytesField(13, Buffer.concat([textField(1, 'location'), textField(2, externalFile)])), varintField(14, 1)];
  const dimensions = shape.map((size) => varintField(1, size));
  return Buffer.concat([...dimensions, varintField(2, ONNX_TYPES[type]), textField(8, name), ...data]);
}

function valueBytes({ name, shape, type = 'float' }: GraphValue): Buffer {
  const dimensions = shape.map((size) =>
    bytesField(1, typeof size === 'number' ? varintField(1, size) : textField(2, size)),
  );
  const tensor = Buffer.concat([varintField(1, ONNX_TYPES[type]), bytesField(2, Buffer.concat(dimensions))]);
  return Buffer.concat([textField(1, name), bytesField(2, bytesField(1, tensor))]);
}

function textField(number: number, text: string): Buffer {
  return bytesField(number, Buffer.from(text));
}
