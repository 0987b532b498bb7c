import fc from 'fast-check';
import { expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { describeModelFile } from './describe-model-file.ts';
import { FormatsError } from './errors.ts';
import { bufferSource, type HeaderSource } from './header-source.ts';
import { isUnsafeFile } from './pickle.ts';

interface FileCase {
  readonly name: string;
  readonly file_name: string;
  readonly hex: string;
  readonly valid: boolean;
}

const GOOD = ['gguf.json', 'safetensors.json', 'onnx.json', 'pickle.json']
  .flatMap((file) => vectorCases<FileCase>('formats', file))
  .filter(([, one]) => one.valid && one.hex !== '')
  .map(([, one]) => ({ fileName: one.file_name, bytes: Buffer.from(one.hex, 'hex') }));

/** Refuses what no reader may do: read outside the file, or ask for absurd memory. */
function strictSource(bytes: Buffer): HeaderSource {
  const inner = bufferSource(bytes);
  return {
    sizeBytes: bytes.length,
    read: async (buffer, position) => {
      expect(Number.isSafeInteger(position) && position >= 0 && position + buffer.length <= bytes.length).toBe(true);
      return await inner.read(buffer, position);
    },
  };
}

const mutated = fc
  .record({
    file: fc.constantFrom(...GOOD),
    edits: fc.array(fc.record({ at: fc.nat(), byte: fc.oneof(fc.nat(255), fc.constantFrom(0, 0x7f, 0x80, 0xff)) }), {
      minLength: 1,
      maxLength: 12,
    }),
    keep: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
    tail: fc.uint8Array({ maxLength: 40 }),
  })
  .map(({ file, edits, keep, tail }) => {
    const bytes = Buffer.from(file.bytes);
    for (const { at, byte } of edits) bytes[at % bytes.length] = byte;
    return { fileName: file.fileName, bytes: Buffer.concat([bytes.subarray(0, bytes.length * keep), tail]) };
  });

test('describeModelFile() answers every changed, cut or lengthened header, within the file', async () => {
  await fc.assert(
    fc.asyncProperty(mutated, async ({ fileName, bytes }) => {
      const { description, damage } = await describeModelFile(strictSource(bytes), fileName);
      expect(damage === undefined || damage instanceof FormatsError).toBe(true);
      expect(Number.isSafeInteger(description.parameterCount ?? 0)).toBe(true);
    }),
    { numRuns: 3000 },
  );
});

test('describeModelFile() answers random bytes under every ending', async () => {
  const endings = fc.constantFrom('gguf', 'safetensors', 'onnx', 'tflite', 'pt', 'bin', 'pkl', 'engine', '');
  await fc.assert(
    fc.asyncProperty(endings, fc.uint8Array({ maxLength: 300 }), async (ending, bytes) => {
      const source = strictSource(Buffer.from(bytes));
      const { damage } = await describeModelFile(source, `m.${ending}`);
      expect(damage === undefined || damage instanceof FormatsError).toBe(true);
      await isUnsafeFile(source, `m.${ending}`);
    }),
    { numRuns: 1000 },
  );
});

test('describeModelFile() reports a file that shrinks while it is read as truncated', async () => {
  const file = GOOD[0];
  const shrunk: HeaderSource = { sizeBytes: file?.bytes.length ?? 0, read: async () => 0 };
  const { damage } = await describeModelFile(shrunk, 'm.gguf');
  expect(damage?.code).toBe('truncated');
});

test('describeModelFile() passes on errors of the disk', async () => {
  const broken: HeaderSource = { sizeBytes: 1000, read: () => Promise.reject(new Error('EIO')) };
  await expect(describeModelFile(broken, 'm.gguf')).rejects.toThrow('EIO');
});
