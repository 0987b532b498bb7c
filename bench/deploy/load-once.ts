/** `node load-once.ts FILE`: loads an ONNX model and has it answer zeros once, as a careful person's script does. */
import { InferenceSession, Tensor } from 'onnxruntime-node';

const [path = ''] = process.argv.slice(2);
const session = await InferenceSession.create(path);
const feeds = Object.fromEntries(
  session.inputMetadata.map((input) => {
    if (!input.isTensor || input.type !== 'float32') throw new Error(`${input.name} is no float tensor`);
    const shape = input.shape.map((size) => (typeof size === 'number' && size > 0 ? size : 1));
    const length = shape.reduce((product, size) => product * size, 1);
    return [input.name, new Tensor('float32', new Float32Array(length), shape)];
  }),
);
await session.run(feeds);
