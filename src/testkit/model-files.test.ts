import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { bufferSource, describeModelFile, readGguf, readOnnx, readSafetensors } from '../formats/index.ts';
import { writeGgufFile, writeOnnxFile, writeShardedSafetensors } from './model-files.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'model-files-'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([16_384, 16_385, 300_001, 5_000_000, 20_000_003])(
  'writeGgufFile() makes a valid file of %d bytes',
  async (sizeBytes) => {
    const path = join(folder, `m-${sizeBytes}.gguf`);
    await writeGgufFile(path, { sizeBytes });
    expect((await stat(path)).size).toBe(sizeBytes);
    const header = await readGguf(bufferSource(await readFile(path)));
    const last = header.tensors.at(-1);
    expect((last?.offset ?? 0) + (last?.sizeBytes ?? 0)).toBe(sizeBytes);
  },
);

test('writeGgufFile() makes a file that is described as a llama of Q8_0', async () => {
  const path = join(folder, 'llama.gguf');
  await writeGgufFile(path, { sizeBytes: 10_000_000 });
  const { description, damage } = await describeModelFile(bufferSource(await readFile(path)), 'llama.gguf');
  expect(damage).toBeUndefined();
  expect(description).toMatchObject({
    type: 'llm',
    format: 'gguf',
    quantization: 'Q8_0',
    contextLength: 8192,
    capabilities: ['text_generation', 'chat', 'function_calling'],
  });
});

test('writeGgufFile() makes the same bytes for the same seed and others for another', async () => {
  const [a, b, c] = ['a', 'b', 'c'].map((name) => join(folder, `${name}.gguf`)) as [string, string, string];
  await writeGgufFile(a, { sizeBytes: 100_000, seed: 5 });
  await writeGgufFile(b, { sizeBytes: 100_000, seed: 5 });
  await writeGgufFile(c, { sizeBytes: 100_000, seed: 6 });
  expect((await readFile(a)).equals(await readFile(b))).toBe(true);
  expect((await readFile(a)).equals(await readFile(c))).toBe(false);
});

test('writeShardedSafetensors() makes valid shards whose sizes add up', async () => {
  const written = await writeShardedSafetensors(join(folder, 'sharded'), { shards: 3, sizeBytes: 1_000_001 });
  const shards = written.filter(({ path }) => path.endsWith('.safetensors'));
  for (const { path, sizeBytes } of shards) {
    await using file = await open(path);
    const source = {
      sizeBytes,
      read: async (buffer: Buffer, position: number) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
    };
    expect((await readSafetensors(source)).tensors).toHaveLength(1);
  }
  expect(shards.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)).toBe(1_000_001);
});

test('writeOnnxFile() makes a model of two nodes with inputs, outputs and 15 parameters', async () => {
  const { path } = await writeOnnxFile(join(folder, 'linear.onnx'));
  const header = await readOnnx(bufferSource(await readFile(path)));
  expect(header).toMatchObject({
    irVersion: 8,
    graphName: 'linear',
    parameterCount: 15,
    inputs: [{ name: 'X', elementType: 1, shape: [1, 4] }],
    outputs: [{ name: 'Y', elementType: 1, shape: [1, 3] }],
    complete: true,
  });
});
