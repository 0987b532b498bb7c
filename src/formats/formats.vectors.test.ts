import { expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { describeModelFile } from './describe-model-file.ts';
import { detectFromName } from './file-name.ts';
import { bufferSource } from './header-source.ts';
import type { ModelDescription } from './model-description.ts';
import { isUnsafeFile } from './pickle.ts';

interface FileCase {
  readonly name: string;
  readonly file_name: string;
  readonly hex: string;
  readonly valid: boolean;
  readonly code?: string;
  readonly unsafe?: boolean;
  readonly expect?: Partial<ModelDescription>;
}

test.each([
  ...vectorCases<FileCase>('formats', 'gguf.json'),
  ...vectorCases<FileCase>('formats', 'safetensors.json'),
  ...vectorCases<FileCase>('formats', 'onnx.json'),
])('describeModelFile() answers %s', async (_, { file_name, hex, valid, code, expect: wanted }) => {
  const { description, damage } = await describeModelFile(bufferSource(Buffer.from(hex, 'hex')), file_name);
  expect(damage?.code, damage?.message).toBe(valid ? undefined : code);
  if (wanted !== undefined) expect(description).toMatchObject(wanted);
});

test.each(vectorCases<FileCase>('formats', 'pickle.json'))(
  'isUnsafeFile() answers %s',
  async (_, { file_name, hex, unsafe }) => {
    expect(await isUnsafeFile(bufferSource(Buffer.from(hex, 'hex')), file_name)).toBe(unsafe);
  },
);

interface NameCase {
  readonly name: string;
  readonly file_name: string;
  readonly expect: object;
}

test.each(vectorCases<NameCase>('formats', 'names.json'))(
  'detectFromName() answers %s',
  (_, { file_name, expect: wanted }) => {
    expect(detectFromName(file_name)).toMatchObject(wanted);
  },
);
