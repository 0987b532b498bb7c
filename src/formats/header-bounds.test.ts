import { expect, test } from 'vitest';
import { GGUF_TYPES, ggufHeader, llamaFields } from '../testkit/gguf-builder.ts';
import { bytesField, onnxModelBytes, varint, varintField } from '../testkit/onnx-builder.ts';
import { readGguf } from './gguf.ts';
import { bufferSource, type HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { readOnnx } from './onnx.ts';
import { readSafetensors } from './safetensors.ts';

/** A file of `sizeBytes` that begins with `head`; reading elsewhere gives zeros. Counts what is read. */
function sparseSource(head: Buffer, sizeBytes: number): HeaderSource & { readBytes: number } {
  return {
    sizeBytes,
    readBytes: 0,
    async read(buffer, position) {
      buffer.fill(0);
      head.copy(buffer, 0, Math.min(position, head.length));
      this.readBytes += buffer.length;
      return Math.min(buffer.length, sizeBytes - position);
    },
  };
}

test('readGguf() reads a tokenizer of 200,000 words without keeping it', async () => {
  const items = Array.from({ length: 200_000 }, (_, index) => `word${index}`);
  const fields = [...llamaFields('Big'), ['big', GGUF_TYPES.array, { type: GGUF_TYPES.string, items }] as const];
  const header = await readGguf(bufferSource(ggufHeader(fields, [])));
  expect(header.metadata.get('big')).toEqual({ elementType: GGUF_TYPES.string, count: 200_000 });
});

test('readGguf() cuts a text beyond 64 KiB and reads on behind it', async () => {
  const fields = [['long', GGUF_TYPES.string, 'x'.repeat(100_000)] as const, ['after', GGUF_TYPES.u32, 7] as const];
  const { metadata } = await readGguf(bufferSource(ggufHeader(fields, [])));
  expect(metadata.get('long')).toHaveLength(FORMATS_LIMITS.ggufKeptStringBytes);
  expect(metadata.get('after')).toBe(7);
});

test('readGguf() reads a few kilobytes of a file of 100 GB', async () => {
  const tensor = { name: 'w', dimensions: [4096, 1_000_000], type: 1, offset: 0 };
  const source = sparseSource(ggufHeader(llamaFields('Big'), [tensor]), 100e9);
  await readGguf(source);
  expect(source.readBytes).toBeLessThan(100_000);
});

test('readGguf() refuses a million tensors in a file that could hold them', async () => {
  const head = Buffer.concat([ggufHeader([], []).subarray(0, 8), Buffer.alloc(16)]);
  head.writeBigUInt64LE(1_000_000n, 8);
  await expect(readGguf(sparseSource(head, 1e9))).rejects.toMatchObject({ code: 'too_large_header' });
});

test('readGguf() stops at 128 MiB of header', async () => {
  const head = Buffer.concat([ggufHeader([], []).subarray(0, 16), Buffer.alloc(8 + 8 + 1 + 4 + 4 + 8)]);
  head.writeBigUInt64LE(1n, 16);
  head.writeBigUInt64LE(1n, 24);
  head.write('k', 32);
  head.writeUInt32LE(GGUF_TYPES.array, 33);
  head.writeUInt32LE(GGUF_TYPES.string, 37);
  head.writeBigUInt64LE(100_000_000n, 41);
  await expect(readGguf(sparseSource(head, 2e9))).rejects.toMatchObject({ code: 'too_large_header' });
});

test('readSafetensors() refuses a header over 32 MiB before reading it', async () => {
  const head = Buffer.alloc(8);
  head.writeBigUInt64LE(BigInt(FORMATS_LIMITS.safetensorsHeaderBytes + 1));
  const source = sparseSource(head, 1e9);
  await expect(readSafetensors(source)).rejects.toMatchObject({ code: 'too_large_header' });
  expect(source.readBytes).toBeLessThan(10_000);
});

test('readSafetensors() survives a header nested 100,000 deep', async () => {
  const text = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  const source = bufferSource(Buffer.concat([length, Buffer.from(text)]));
  await expect(readSafetensors(source)).rejects.toMatchObject({ code: 'bad_header' });
});

test('readOnnx() jumps over tensor data', async () => {
  const dataBytes = 1e9;
  const tensor = Buffer.concat([
    varintField(1, dataBytes / 4),
    varintField(2, 1),
    varint(9 * 8 + 2),
    varint(dataBytes),
  ]);
  const graphHead = Buffer.concat([varint(5 * 8 + 2), varint(tensor.length + dataBytes), tensor]);
  const head = Buffer.concat([varintField(1, 8), varint(7 * 8 + 2), varint(graphHead.length + dataBytes), graphHead]);
  const source = sparseSource(head, head.length + dataBytes);
  expect((await readOnnx(source)).parameterCount).toBe(dataBytes / 4);
  expect(source.readBytes).toBeLessThan(10_000);
});

test('readOnnx() describes what it reached when a model has more fields than are walked', async () => {
  const many = Buffer.alloc(2 * (FORMATS_LIMITS.onnxFields + 10), varintField(5, 0));
  const header = await readOnnx(bufferSource(Buffer.concat([onnxModelBytes(), many])));
  expect(header).toMatchObject({ complete: false, irVersion: 8, graphName: 'linear' });
});

test('readOnnx() does not descend into messages that nest for ever', async () => {
  let nested: Buffer = Buffer.alloc(0);
  for (let depth = 0; depth < 5000; depth += 1) nested = bytesField(1, nested);
  const model = Buffer.concat([varintField(1, 8), bytesField(7, bytesField(11, bytesField(2, nested)))]);
  expect((await readOnnx(bufferSource(model))).inputs).toHaveLength(1);
});
