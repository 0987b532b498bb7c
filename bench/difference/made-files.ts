/** Model files for the benchmark: bf16 safetensors of tensors of unequal sizes, and what becomes of one in training. Seeded. */
import { type FileHandle, open } from 'node:fs/promises';

const HIDDEN = 2048;
const DEVIATION = 0.02;
const BLOCK_ELEMENTS = 512 * 1024;

export interface Tensor {
  readonly name: string;
  readonly rows: number;
  readonly columns: number;
}

/** Like a small language model: an embedding, then layers of attention, gated feed-forward and norms, up to `sizeBytes`. */
export function tensorsFor(sizeBytes: number): Tensor[] {
  const columns = sizeBytes < 256e6 ? HIDDEN / 4 : HIDDEN;
  const tensors: Tensor[] = [
    { name: 'model.embed_tokens.weight', rows: Math.floor(sizeBytes / columns / 16), columns },
  ];
  let left = sizeBytes / 2 - tensors.reduce((sum, { rows }) => sum + rows * columns, 0);
  for (let layer = 0; left > 0; layer += 1) {
    for (const [part, rows] of partsOf(columns)) {
      const kept = Math.min(rows, Math.ceil(left / columns));
      if (kept <= 0) break;
      tensors.push({ name: `model.layers.${layer}.${part}.weight`, rows: kept, columns });
      left -= kept * columns;
    }
  }
  return tensors;
}

function partsOf(columns: number): [string, number][] {
  const key = columns / 4;
  const inner = Math.floor((columns * 2.75) / 64) * 64;
  return [
    ['input_layernorm', 1],
    ['self_attn.q_proj', columns],
    ['self_attn.k_proj', key],
    ['self_attn.v_proj', key],
    ['self_attn.o_proj', columns],
    ['post_attention_layernorm', 1],
    ['mlp.gate_proj', inner],
    ['mlp.up_proj', inner],
    ['mlp.down_proj', inner],
  ];
}

/** What an element becomes; `tensor` is its tensor's number. */
export type Change = (element: number, tensor: number) => number;

/** The base's elements are the seed's, whatever the change. */
export async function writeModel(path: string, tensors: readonly Tensor[], change?: Change): Promise<void> {
  await using file = await open(path, 'w');
  await writeHeader(file, tensors);
  const gaussian = gaussians(1);
  const block = new Uint16Array(BLOCK_ELEMENTS);
  for (const [index, { rows, columns }] of tensors.entries()) {
    for (let left = rows * columns; left > 0; left -= block.length) {
      const count = Math.min(left, block.length);
      for (let at = 0; at < count; at += 1) block[at] = toBf16(gaussian() * DEVIATION);
      if (change !== undefined) for (let at = 0; at < count; at += 1) block[at] = change(block[at] ?? 0, index);
      await file.write(new Uint8Array(block.buffer, 0, count * 2));
    }
  }
}

async function writeHeader(file: FileHandle, tensors: readonly Tensor[]): Promise<void> {
  let at = 0;
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  for (const { name, rows, columns } of tensors) {
    const end = at + rows * columns * 2;
    header[name] = { dtype: 'BF16', shape: [rows, columns], data_offsets: [at, end] };
    at = end;
  }
  const json = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(json.length));
  await file.write(Buffer.concat([length, json]));
}

/** Each is a new change with a seed of its own. */
export const CHANGES = {
  'the same': () => undefined,
  '1 % of elements by 1 ulp': () => {
    const random = uniform(2);
    return (element: number) => (random() >= 0.01 ? element : random() < 0.5 ? element + 1 : element - 1);
  },
  'noise of 1e-5': () => noise(1e-5),
  'noise of 1e-4': () => noise(1e-4),
  '5 % of tensors replaced': (tensors: readonly Tensor[]) => replaced(tensors, 0.05),
} as const satisfies Record<string, (tensors: readonly Tensor[]) => Change | undefined>;

function noise(deviation: number): Change {
  const gaussian = gaussians(3);
  return (element) => toBf16(fromBf16(element) + gaussian() * deviation);
}

/** Every 20th matrix or so, until their share of all bytes is reached. */
function replaced(tensors: readonly Tensor[], share: number): Change {
  const gaussian = gaussians(4);
  const all = tensors.reduce((sum, { rows, columns }) => sum + rows * columns, 0);
  let left = all * share;
  const chosen = new Set<number>();
  for (let step = 0; step < tensors.length; step += 1) {
    const index = (step * 37 + 7) % tensors.length;
    const { rows, columns } = tensors[index] ?? { rows: 0, columns: 0 };
    if (rows === 1 || chosen.has(index) || rows * columns > left) continue;
    chosen.add(index);
    left -= rows * columns;
  }
  return (element, tensor) => (chosen.has(tensor) ? toBf16(gaussian() * DEVIATION) : element);
}

const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** Rounded to the nearest, ties to even. */
function toBf16(value: number): number {
  float[0] = value;
  const word = bits[0] ?? 0;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

function fromBf16(element: number): number {
  bits[0] = element << 16;
  return float[0] ?? 0;
}

/** xorshift128. */
function uniform(seed: number): () => number {
  let [a, b, c, d] = [seed * 0x9e3779b9, 0x243f6a88, 0xb7e15162, seed ^ 0x85ebca6b];
  return () => {
    const mixed = a ^ (a << 11);
    [a, b, c] = [b, c, d];
    d = d ^ (d >>> 19) ^ mixed ^ (mixed >>> 8);
    return (d >>> 0) / 2 ** 32;
  };
}

/** Normal, both values of each pair. */
function gaussians(seed: number): () => number {
  const random = uniform(seed);
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    const angle = 2 * Math.PI * random();
    spare = radius * Math.sin(angle);
    return radius * Math.cos(angle);
  };
}
