/**
 * Model files made on the spot, valid in every byte that a reader looks at and of exactly the size asked for; and the
 * folders in which other tools keep theirs. For tests, the demo and the benchmarks.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { type GgufTensorField, ggufHeader, llamaFields } from './gguf-builder.ts';
import { onnxModelBytes } from './onnx-builder.ts';
import { SeededBytes } from './seeded-bytes.ts';

const ALIGNMENT = 32;
const F16 = 1;
const Q8_0 = 8;
const I8 = 24;
const ROW = 4096;
const Q8_ROW_BYTES = (ROW / 32) * 34;
const F16_ROW_BYTES = ROW * 2;
const TENSORS = 48;

export interface SizedFile {
  readonly sizeBytes: number;
  readonly seed?: number | string;
}

export interface WrittenFile {
  readonly path: string;
  readonly sizeBytes: number;
}

/** A GGUF with a llama's metadata and F16, Q8_0 tensors. `sizeBytes` from 16 kB; the file has exactly that size. */
export async function writeGgufFile(
  path: string,
  { sizeBytes, seed = 1, name = 'Testkit Llama' }: SizedFile & { readonly name?: string },
): Promise<WrittenFile> {
  const header = fitGgufHeader(sizeBytes, name);
  await mkdir(dirname(path), { recursive: true });
  await using file = await open(path, 'w');
  await file.writeFile(header);
  await new SeededBytes(seed).writeTo(file, sizeBytes - header.length);
  return { path, sizeBytes };
}

/** config.json, tokenizer.json, index and shards; `sizeBytes` is the sum of the shards. */
export async function writeShardedSafetensors(
  folder: string,
  { shards, sizeBytes, seed = 1 }: SizedFile & { readonly shards: number },
): Promise<readonly WrittenFile[]> {
  await mkdir(folder, { recursive: true });
  const weightMap: Record<string, string> = {};
  const written: WrittenFile[] = [];
  for (let index = 0; index < shards; index += 1) {
    const shard = `model-${pad5(index + 1)}-of-${pad5(shards)}.safetensors`;
    const tensor = `model.layers.${index}.mlp.up_proj.weight`;
    weightMap[tensor] = shard;
    const shardBytes = Math.floor(sizeBytes / shards) + (index === 0 ? sizeBytes % shards : 0);
    written.push(await writeSafetensorsFile(join(folder, shard), tensor, shardBytes, `${seed}/${index}`));
  }
  const texts = {
    'config.json': LLAMA_CONFIG,
    'tokenizer.json': { version: '1.0', model: { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [] } },
    'model.safetensors.index.json': { metadata: { total_size: sizeBytes }, weight_map: weightMap },
  };
  for (const [fileName, json] of Object.entries(texts)) {
    const text = JSON.stringify(json, null, 2);
    await writeFile(join(folder, fileName), text);
    written.push({ path: join(folder, fileName), sizeBytes: Buffer.byteLength(text) });
  }
  return written;
}

/** A small model, `Y = X × W + B`, that ONNX Runtime loads. */
export async function writeOnnxFile(path: string): Promise<WrittenFile> {
  const bytes = onnxModelBytes({ description: 'a linear layer' });
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return { path, sizeBytes: bytes.length };
}

/** One BF16 tensor and a header padded so that the whole is `sizeBytes` long. */
export function safetensorsHeader(tensor: string, sizeBytes: number): Buffer {
  const elementsOf = (dataBytes: number) =>
    JSON.stringify({
      __metadata__: { format: 'pt' },
      [tensor]: { dtype: 'BF16', shape: [dataBytes / 2], data_offsets: [0, dataBytes] },
    });
  const headerBytes = 256 + (sizeBytes % 2);
  const dataBytes = sizeBytes - 8 - headerBytes;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(headerBytes));
  return Buffer.concat([length, Buffer.from(elementsOf(dataBytes).padEnd(headerBytes))]);
}

/** A cache as huggingface_hub leaves it: blobs, refs and snapshots of links, large files named by their SHA-256. */
export async function writeHuggingFaceCache(
  folder: string,
  {
    repos,
    filesPerRepo,
    org = 'acme',
  }: { readonly repos: number; readonly filesPerRepo: number; readonly org?: string },
): Promise<{ readonly files: number }> {
  for (let repo = 0; repo < repos; repo += 1) {
    const files = smallRepoFiles(repo).slice(0, filesPerRepo);
    await writeHuggingFaceRepo(folder, { repo: `${org}/model-${repo}`, files: new Map(files) });
  }
  return { files: repos * filesPerRepo };
}

export interface HuggingFaceRepo {
  readonly repo: string;
  readonly files: ReadonlyMap<string, Buffer>;
  readonly revision?: string;
  readonly ref?: string;
}

/** One repository's revision in a cache; weights become LFS blobs. Returns the snapshot's folder. */
export async function writeHuggingFaceRepo(folder: string, repo: HuggingFaceRepo): Promise<string> {
  const { revision = createHash('sha1').update(repo.repo).digest('hex'), ref = 'main' } = repo;
  const root = join(folder, `models--${repo.repo.replaceAll('/', '--')}`);
  const snapshot = join(root, 'snapshots', revision);
  await Promise.all(
    [root, join(root, 'blobs'), join(root, 'refs'), snapshot].map((path) => mkdir(path, { recursive: true })),
  );
  await writeFile(join(root, 'refs', ref), revision);
  for (const [path, bytes] of repo.files) {
    const blob = join(root, 'blobs', isLargeFile(path) ? hexSha256(bytes) : gitSha1(bytes));
    const link = join(snapshot, path);
    await writeFile(blob, bytes);
    if (path.includes('/')) await mkdir(dirname(link), { recursive: true });
    await symlink(relative(dirname(link), blob), link);
  }
  return snapshot;
}

export interface OllamaModel {
  readonly name: string;
  readonly tag?: string;
  readonly namespace?: string;
  readonly registry?: string;
  readonly sizeBytes?: number;
}

/** A store as Ollama leaves it: `manifests/<registry>/<namespace>/<name>/<tag>` and `blobs/sha256-…`. */
export async function writeOllamaStore(folder: string, models: readonly OllamaModel[]): Promise<void> {
  for (const model of models) {
    const { name, tag = 'latest', namespace = 'library', registry = 'registry.ollama.ai', sizeBytes = 32_768 } = model;
    const header = fitGgufHeader(sizeBytes, name);
    const gguf = Buffer.concat([header, new SeededBytes(`${name}:${tag}`, 65_536).next(sizeBytes - header.length)]);
    const layers = [
      await writeOllamaBlob(folder, 'application/vnd.ollama.image.model', gguf),
      await writeOllamaBlob(folder, 'application/vnd.ollama.image.template', Buffer.from('{{ .Prompt }}')),
      await writeOllamaBlob(folder, 'application/vnd.ollama.image.license', Buffer.from('Apache License 2.0')),
      await writeOllamaBlob(folder, 'application/vnd.ollama.image.params', Buffer.from('{"stop":["<s>"]}')),
    ];
    const settings = Buffer.from(JSON.stringify({ model_format: 'gguf', model_family: 'llama', file_type: 'Q8_0' }));
    const config = await writeOllamaBlob(folder, 'application/vnd.docker.container.image.v1+json', settings);
    const manifest = {
      schemaVersion: 2,
      mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
      config,
      layers,
    };
    const path = join(folder, 'manifests', registry, namespace, name, tag);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, JSON.stringify(manifest));
  }
}

const LLAMA_CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  max_position_embeddings: 8192,
  hidden_size: 4096,
  num_hidden_layers: 32,
  torch_dtype: 'bfloat16',
};

/** Header whose tensors fill the file to its last byte; a few bytes that make no row end it as an I8 tensor. */
function fitGgufHeader(sizeBytes: number, name: string): Buffer {
  const draft = ggufHeader(llamaFields(name), tensorsFor(sizeBytes));
  let header = draft;
  for (let round = 0; round < 8; round += 1) {
    const next = ggufHeader(llamaFields(name), tensorsFor(sizeBytes - header.length));
    if (next.length === header.length) return next;
    header = next;
  }
  throw new RangeError(`Making a GGUF file: ${sizeBytes} bytes are too few`);
}

function tensorsFor(dataBytes: number): GgufTensorField[] {
  const tensors: GgufTensorField[] = [];
  let offset = 0;
  const add = (name: string, type: number, dimensions: readonly number[], bytes: number) => {
    tensors.push({ name, type, dimensions, offset });
    offset += Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
  };
  const rows = Math.floor(dataBytes / TENSORS / Q8_ROW_BYTES);
  if (rows > 0) {
    const embeddingRows = Math.max(1, Math.floor(rows / 2));
    add('token_embd.weight', F16, [ROW, embeddingRows], embeddingRows * F16_ROW_BYTES);
    for (let index = 0; index < TENSORS - 2; index += 1)
      add(`blk.${index}.ffn_up.weight`, Q8_0, [ROW, rows], rows * Q8_ROW_BYTES);
  }
  if (dataBytes > offset) add('output.rest', I8, [dataBytes - offset], dataBytes - offset);
  return tensors;
}

async function writeSafetensorsFile(
  path: string,
  tensor: string,
  sizeBytes: number,
  seed: string,
): Promise<WrittenFile> {
  const header = safetensorsHeader(tensor, sizeBytes);
  await using file = await open(path, 'w');
  await file.writeFile(header);
  await new SeededBytes(seed).writeTo(file, sizeBytes - header.length);
  return { path, sizeBytes };
}

function smallRepoFiles(repo: number): [string, Buffer][] {
  const json = (value: object) => Buffer.from(JSON.stringify({ ...value, repo }));
  const header = safetensorsHeader('model.embed_tokens.weight', 2048);
  return [
    ['config.json', json(LLAMA_CONFIG)],
    ['model.safetensors', Buffer.concat([header, new SeededBytes(repo, 4096).next(2048 - header.length)])],
    ['tokenizer.json', json({ version: '1.0', model: { type: 'BPE', vocab: {}, merges: [] } })],
    ['tokenizer_config.json', json({ model_max_length: 8192 })],
    ['generation_config.json', json({ do_sample: true })],
    ['special_tokens_map.json', json({ bos_token: '<s>' })],
    ['vocab.json', json({ a: 0 })],
    ['merges.txt', Buffer.from(`#version: 0.2 ${repo}\n`)],
    ['README.md', Buffer.from(`# Model ${repo}\n`)],
    ['LICENSE', Buffer.from(`Apache License 2.0 (${repo})\n`)],
    ...Array.from(
      { length: 10 },
      (_, index) => [`extra-${index}.txt`, Buffer.from(`${repo}/${index}`)] as [string, Buffer],
    ),
  ];
}

async function writeOllamaBlob(folder: string, mediaType: string, bytes: Buffer) {
  const hex = hexSha256(bytes);
  await mkdir(join(folder, 'blobs'), { recursive: true });
  await writeFile(join(folder, 'blobs', `sha256-${hex}`), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}

function isLargeFile(path: string): boolean {
  return /\.(safetensors|gguf|onnx|bin|pt|pth|onnx_data)$/.test(path);
}

function hexSha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function gitSha1(bytes: Buffer): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

function pad5(value: number): string {
  return String(value).padStart(5, '0');
}
