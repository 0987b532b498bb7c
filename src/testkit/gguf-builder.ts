/** Writes GGUF headers, right ones and, for tests, wrong ones. Spec: docs/spec/07-formats.md §2. */
export type GgufField = readonly [key: string, type: number, value: unknown];

export interface GgufTensorField {
  readonly name: string;
  readonly dimensions: readonly number[];
  readonly type: number;
  /** From the start of tensor data. */
  readonly offset: number;
}

export const GGUF_TYPES = { u32: 4, f32: 6, bool: 7, string: 8, array: 9, u64: 10 } as const;

/** The header, padded to the alignment, so that tensor data follows it directly. */
export function ggufHeader(fields: readonly GgufField[], tensors: readonly GgufTensorField[], alignment = 32): Buffer {
  const preamble = Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors.length), u64(fields.length)]);
  const pairs = fields.map(([key, type, value]) => Buffer.concat([ggufString(key), u32(type), ggufValue(type, value)]));
  const header = Buffer.concat([preamble, ...pairs, ...tensors.map(tensorInfo)]);
  return Buffer.concat([header, Buffer.alloc((alignment - (header.length % alignment)) % alignment)]);
}

/** Metadata as a small llama has it. */
export function llamaFields(name: string, fileType = 7): GgufField[] {
  const { u32: U32, f32: F32, string, array } = GGUF_TYPES;
  return [
    ['general.architecture', string, 'llama'],
    ['general.name', string, name],
    ['general.file_type', U32, fileType],
    ['general.license', string, 'apache-2.0'],
    ['llama.context_length', U32, 8192],
    ['llama.embedding_length', U32, 4096],
    ['llama.block_count', U32, 32],
    ['llama.attention.head_count', U32, 32],
    ['llama.rope.freq_base', F32, 500_000],
    ['tokenizer.ggml.model', string, 'gpt2'],
    ['tokenizer.ggml.tokens', array, { type: string, items: ['<s>', '</s>', ...words(600)] }],
    [
      'tokenizer.chat_template',
      string,
      '{% for message in messages %}{{ message.content }}{% endfor %}{% if tools %}{% endif %}',
    ],
  ];
}

function words(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `word${index}`);
}

function ggufValue(type: number, value: unknown): Buffer {
  switch (type) {
    case GGUF_TYPES.u32:
      return u32(value as number);
    case GGUF_TYPES.f32: {
      const bytes = Buffer.alloc(4);
      bytes.writeFloatLE(value as number);
      return bytes;
    }
    case GGUF_TYPES.bool:
      return Buffer.from([value === true ? 1 : 0]);
    case GGUF_TYPES.u64:
      return u64(value as number);
    case GGUF_TYPES.array: {
      const { type: elementType, items } = value as { type: number; items: unknown[] };
      return Buffer.concat([u32(elementType), u64(items.length), ...items.map((item) => ggufValue(elementType, item))]);
    }
    default:
      return ggufString(value as string);
  }
}

function tensorInfo(tensor: GgufTensorField): Buffer {
  const dimensions = tensor.dimensions.map((dimension) => u64(dimension));
  const count = u32(tensor.dimensions.length);
  return Buffer.concat([ggufString(tensor.name), count, ...dimensions, u32(tensor.type), u64(tensor.offset)]);
}

function ggufString(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([u64(bytes.length), bytes]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function u64(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(value));
  return bytes;
}
