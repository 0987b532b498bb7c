import { expect, test } from 'vitest';
import { FormatsError } from './errors.ts';
import { splitDatedName } from './file-name.ts';
import { parseGgufPartName } from './gguf-parts.ts';
import { describeConfig } from './hf-config.ts';
import { parseShardIndex } from './safetensors-index.ts';

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

test.each([
  [
    'a causal model',
    {
      architectures: ['LlamaForCausalLM'],
      model_type: 'llama',
      max_position_embeddings: 8192,
      torch_dtype: 'bfloat16',
    },
    { type: 'llm', architecture: 'llama', contextLength: 8192, quantization: 'BF16' },
  ],
  [
    'a vision language model',
    {
      architectures: ['LlavaForConditionalGeneration'],
      vision_config: {},
      text_config: { max_position_embeddings: 4096 },
    },
    { type: 'llm', contextLength: 4096, capabilities: ['text_generation', 'vision'] },
  ],
  [
    'whisper',
    { architectures: ['WhisperForConditionalGeneration'], max_source_positions: 1500 },
    { type: 'audio', contextLength: 1500 },
  ],
  ['an encoder', { architectures: ['BertModel'] }, { type: 'embedding', capabilities: ['embedding'] }],
  [
    'a detector',
    { architectures: ['DetrForObjectDetection'], id2label: { 0: 'person', 1: 'car' } },
    { type: 'vision', classes: ['person', 'car'] },
  ],
  [
    'a classifier',
    { architectures: ['BertForSequenceClassification'], id2label: { 0: 'LABEL_0' } },
    { type: 'classifier' },
  ],
  ['a quantized model', { quantization_config: { quant_method: 'awq', bits: 4 } }, { quantization: 'AWQ_4BIT' }],
])('describeConfig() reads %s', (_, config, wanted) => {
  expect(describeConfig(json(config))).toMatchObject(wanted);
});

test.each([
  ['wrong types', json({ architectures: 'x', model_type: 3, max_position_embeddings: -1, torch_dtype: null })],
  ['no JSON', Buffer.from('{')],
  ['a list', json([1])],
  ['nulls', json({ architectures: [null], text_config: null, quantization_config: null, id2label: null })],
])('describeConfig() says nothing of %s', (_, bytes) => {
  expect(describeConfig(bytes)).toEqual({});
});

test('parseShardIndex() lists each shard once, sorted', () => {
  const index = { weight_map: { b: 'm-2.safetensors', a: 'm-1.safetensors', c: 'm-2.safetensors' } };
  expect(parseShardIndex(json(index))).toEqual(['m-1.safetensors', 'm-2.safetensors']);
});

test.each([
  '../m.safetensors',
  '/m.safetensors',
  'a/m.safetensors',
  'a\\m.safetensors',
  'm\0.safetensors',
  '.safetensors',
  'm.bin',
  `${'x'.repeat(4096)}.safetensors`,
  7,
  null,
])('parseShardIndex() refuses a shard named %j', (name) => {
  expect(() => parseShardIndex(json({ weight_map: { a: name } }))).toThrow(FormatsError);
});

test.each([[Buffer.from('')], [json({})], [json({ weight_map: [] })]])('parseShardIndex() refuses %s', (bytes) => {
  expect(() => parseShardIndex(bytes)).toThrow(FormatsError);
});

test('parseGgufPartName() takes parts apart and leaves other names', () => {
  expect(parseGgufPartName('big-Q8_0-00002-of-00003.gguf')).toEqual({ stem: 'big-Q8_0', part: 2, parts: 3 });
  expect(parseGgufPartName('big-00004-of-00003.gguf')).toBeUndefined();
  expect(parseGgufPartName('big.gguf')).toBeUndefined();
});

test('splitDatedName() takes a real date only', () => {
  expect(splitDatedName('cats_20240229_120000')).toEqual({ name: 'cats', version: '20240229_120000' });
  expect(splitDatedName('cats_20230229_120000')).toEqual({ name: 'cats_20230229_120000' });
});
