/** A small ONNX model, `Y = X × W + B`, encoded by hand. Spec: docs/spec/07-formats.md §4. */
const FLOAT = 1;

/** Bytes of a model that ONNX Runtime loads: X [1, 4] float → Y [1, 3] float. */
export function onnxModelBytes(properties: Readonly<Record<string, string>> = {}): Buffer {
  const weights = Array.from({ length: 12 }, (_, index) => index / 10);
  const graph = Buffer.concat([
    bytesField(1, node('MatMul', ['X', 'W'], 'P')),
    bytesField(1, node('Add', ['P', 'B'], 'Y')),
    textField(2, 'linear'),
    bytesField(5, floatTensor('W', [4, 3], weights)),
    bytesField(5, floatTensor('B', [3], [0.5, -0.5, 1])),
    bytesField(11, valueInfo('X', [1, 4])),
    bytesField(12, valueInfo('Y', [1, 3])),
  ]);
  return Buffer.concat([
    varintField(1, 8),
    textField(2, 'atmosphere-testkit'),
    bytesField(7, graph),
    bytesField(8, Buffer.concat([textField(1, ''), varintField(2, 17)])),
    ...Object.entries(properties).map(([key, value]) =>
      bytesField(14, Buffer.concat([textField(1, key), textField(2, value)])),
    ),
  ]);
}

export function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt(value);
  while (rest >= 128n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  return Buffer.from([...bytes, Number(rest)]);
}

export function varintField(number: number, value: number): Buffer {
  return Buffer.concat([varint(number * 8), varint(value)]);
}

export function bytesField(number: number, bytes: Buffer): Buffer {
  return Buffer.concat([varint(number * 8 + 2), varint(bytes.length), bytes]);
}

function textField(number: number, text: string): Buffer {
  return bytesField(number, Buffer.from(text));
}

function node(operator: string, inputs: readonly string[], output: string): Buffer {
  return Buffer.concat([...inputs.map((input) => textField(1, input)), textField(2, output), textField(4, operator)]);
}

function floatTensor(name: string, shape: readonly number[], values: readonly number[]): Buffer {
  const raw = Buffer.from(Float32Array.from(values).buffer);
  const dimensions = shape.map((dimension) => varintField(1, dimension));
  return Buffer.concat([...dimensions, varintField(2, FLOAT), textField(8, name), bytesField(9, raw)]);
}

function valueInfo(name: string, shape: readonly number[]): Buffer {
  const dimensions = shape.map((dimension) => bytesField(1, varintField(1, dimension)));
  const tensor = Buffer.concat([varintField(1, FLOAT), bytesField(2, Buffer.concat(dimensions))]);
  return Buffer.concat([textField(1, name), bytesField(2, bytesField(1, tensor))]);
}
