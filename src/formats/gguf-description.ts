/** What a GGUF header says for the catalog. Pure. Spec: docs/spec/07-formats.md §2.5. */
import type { GgufHeader } from './gguf.ts';
import { GGUF_FILE_TYPES } from './gguf-tables.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { defined, type ModelDescription, type ModelType, majorityOf, toBillions } from './model-description.ts';

const ENCODERS =
  /^(bert|modern-bert|nomic-bert|neo-bert|jina-bert|eurobert|t5encoder|gemma-embedding|roberta|xlm-roberta)/;
const SPEECH = /^(whisper|wavtokenizer|moonshine|parakeet)/;
const KEPT_FIELDS = [
  'general.author',
  'general.organization',
  'general.license',
  'general.size_label',
  'general.finetune',
];

/** Fields for ModelDescription; the name is absent where the header has none. */
export function describeGguf(header: GgufHeader): Partial<ModelDescription> & Pick<ModelDescription, 'type'> {
  const architecture = textOf(header, 'general.architecture') ?? 'unknown';
  const type = typeOf(header, architecture);
  const parameterCount = header.tensors.reduce((sum, tensor) => sum + tensor.elements, 0);
  return defined({
    format: 'gguf' as const,
    type,
    name: textOf(header, 'general.name'),
    baseModel: textOf(header, 'general.base_model.0.name'),
    architecture,
    quantization: quantizationOf(header),
    parameterCount,
    paramsBillions: toBillions(parameterCount),
    contextLength: positiveOf(header, `${architecture}.context_length`),
    capabilities: capabilitiesOf(header, type),
    unsafe: false,
    metadata: { architecture, gguf_version: header.version, ...keptFields(header) },
  });
}

function typeOf(header: GgufHeader, architecture: string): ModelType {
  const pooling = header.metadata.get(`${architecture}.pooling_type`);
  if (ENCODERS.test(architecture) || pooling === 1 || pooling === 2 || pooling === 3) return 'embedding';
  if (pooling === 4) return 'classifier';
  if (SPEECH.test(architecture)) return 'audio';
  return architecture === 'clip' ? 'vision' : 'llm';
}

function capabilitiesOf(header: GgufHeader, type: ModelType): string[] {
  if (type === 'embedding') return ['embedding'];
  if (type === 'audio') return ['audio_transcription'];
  if (type !== 'llm') return type === 'vision' ? ['vision'] : [];
  const template = header.metadata.get('tokenizer.chat_template');
  if (typeof template !== 'string') return ['text_generation'];
  return ['text_generation', 'chat', ...(/\btools?\b/.test(template) ? ['function_calling'] : [])];
}

function quantizationOf(header: GgufHeader): string | undefined {
  const fileType = header.metadata.get('general.file_type');
  const named = typeof fileType === 'number' ? GGUF_FILE_TYPES.get(fileType) : undefined;
  if (named !== undefined) return named;
  const elements = new Map<string, number>();
  for (const tensor of header.tensors) elements.set(tensor.type, (elements.get(tensor.type) ?? 0) + tensor.elements);
  return majorityOf(elements);
}

function textOf(header: GgufHeader, key: string): string | undefined {
  const value = header.metadata.get(key);
  const text = typeof value === 'string' ? value.trim().slice(0, FORMATS_LIMITS.textChars) : '';
  return text === '' ? undefined : text;
}

function positiveOf(header: GgufHeader, key: string): number | undefined {
  const value = header.metadata.get(key);
  return typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : undefined;
}

function keptFields(header: GgufHeader): Record<string, string> {
  const pairs = KEPT_FIELDS.map((key) => [key.replace('general.', ''), textOf(header, key)] as const);
  return defined(Object.fromEntries(pairs)) as Record<string, string>;
}
