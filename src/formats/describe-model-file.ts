/** One model file in words: its header first, then its name. Spec: docs/spec/07-formats.md §7, §8. */
import { FormatsError } from './errors.ts';
import { detectFromName, type NameHints } from './file-name.ts';
import { readGguf } from './gguf.ts';
import { describeGguf } from './gguf-description.ts';
import { HeaderCursor } from './header-cursor.ts';
import type { HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { defined, type ModelDescription, type ModelFormat } from './model-description.ts';
import { readOnnx } from './onnx.ts';
import { describeOnnx } from './onnx-description.ts';
import { isUnsafeFile } from './pickle.ts';
import { describeSafetensors, readSafetensors } from './safetensors.ts';

export interface DescribedFile {
  readonly description: ModelDescription;
  /** Why the header was refused; the description then comes from the name. */
  readonly damage?: FormatsError;
}

/** Never throws for what is in the file; errors of the source (disk) pass through. */
export async function describeModelFile(source: HeaderSource, fileName: string): Promise<DescribedFile> {
  const hints = detectFromName(fileName);
  try {
    return { description: merge(hints, await describeHeader(source, fileName, hints.format)) };
  } catch (thrown) {
    if (!(thrown instanceof FormatsError)) throw thrown;
    return { description: merge(hints, { unsafe: await isUnsafeFile(source, fileName) }), damage: thrown };
  }
}

async function describeHeader(
  source: HeaderSource,
  fileName: string,
  format: ModelFormat,
): Promise<Partial<ModelDescription>> {
  switch (format) {
    case 'gguf':
      return describeGguf(await readGguf(source));
    case 'safetensors':
      return describeSafetensors(await readSafetensors(source));
    case 'onnx':
      return describeOnnx(await readOnnx(source));
    case 'tflite':
      await assertTflite(source);
      return {};
    default:
      return { unsafe: await isUnsafeFile(source, fileName) };
  }
}

async function assertTflite(source: HeaderSource): Promise<void> {
  const cursor = new HeaderCursor(source, 'TFLite', FORMATS_LIMITS.windowBytes);
  await cursor.need(8);
  cursor.skip(4);
  if (cursor.bytes(4).toString('latin1') !== 'TFL3') throw cursor.fail('bad_header', 'the magic is not TFL3');
}

function merge(hints: NameHints, header: Partial<ModelDescription>): ModelDescription {
  const { stem, ...named } = hints;
  const type = header.type ?? hints.type;
  return {
    ...defined(named),
    name: stem,
    capabilities: capabilitiesOf(type),
    unsafe: false,
    metadata: {},
    ...defined(header),
  };
}

function capabilitiesOf(type: ModelDescription['type']): string[] {
  if (type === 'llm') return ['text_generation'];
  if (type === 'audio') return ['audio_transcription'];
  return type === 'vision' || type === 'embedding' ? [type] : [];
}
