import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Sha256 } from '../../core/index.ts';
import { makeDifference, memorySource } from '../../delta/index.ts';
import { type DeltaManifest, type DifferenceStep, packageDigest } from '../../protocol/index.ts';
import { SeededBytes } from '../../testkit/seeded-bytes.ts';
import { LINE, linePackage, PackageBench, type PackageProcess } from './install.fixture.ts';

const MODEL = 'models/defects.onnx';
const MODEL_BYTES = 1_500_000;
let bench: PackageBench;
let node: PackageProcess;

beforeEach(async () => {
  bench = new PackageBench();
  node = await bench.start();
});
afterEach(async () => {
  await node.end();
  await bench[Symbol.asyncDispose]();
});

/** Each version differs from the one before in a few places. */
function model(version: number): Buffer {
  const bytes = new SeededBytes('weights').next(MODEL_BYTES);
  for (let at = 0; at < version; at += 1) bytes.fill(`version ${at}`, 40_000 * at, 40_000 * at + 500);
  return bytes;
}

function digest(bytes: Uint8Array): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

async function difference(
  from: number,
  to: number,
): Promise<{ readonly step: DifferenceStep; readonly bytes: Buffer }> {
  const [base, target] = [model(from), model(to)];
  const chunks: Buffer[] = [];
  await makeDifference({
    base: { sha256: digest(base), bytes: memorySource(base) },
    target: { sha256: digest(target), bytes: memorySource(target) },
    output: { write: async (bytes: Uint8Array) => void chunks.push(Buffer.from(bytes)) },
    threads: 1,
  });
  const bytes = Buffer.concat(chunks);
  const hashes = { base_hash: `sha256:${digest(base)}`, target_hash: `sha256:${digest(target)}` };
  const delta = { delta_path: `models/${from}-to-${to}.delta`, delta_size_bytes: bytes.length };
  return { step: { ...hashes, ...delta, delta_hash: `sha256:${digest(bytes)}` }, bytes };
}

/** Version `to` as differences from version `from`, one after the other; everything else whole. */
async function packed(from: number, to: number, spoil: (bytes: Buffer, at: number) => void = () => {}) {
  const options = linePackage(`1.${to}`, { [MODEL]: model(to) });
  const { sample } = options;
  if (sample === undefined) throw new Error('no sample');
  const made = [];
  for (let at = from; at < to; at += 1) made.push(await difference(at, at + 1));
  for (const [at, { bytes }] of made.entries()) spoil(bytes, at);
  const others = Object.keys(sample.files).filter((path) => path !== MODEL);
  const delta: DeltaManifest = {
    delta: {
      ...{ base_version: `1.${from}`, target_version: `1.${to}`, changes: {} },
      target_manifest: `sha256:${packageDigest(sample.manifest)}`,
    },
    members: [
      { path: MODEL, how: 'difference', differences: made.map(({ step, bytes }) => withDigest(step, bytes)) },
      ...others.map((path) => ({ path, how: 'full' as const })),
    ],
  };
  const files = Object.fromEntries(made.map(({ step, bytes }) => [step.delta_path, bytes]));
  return await bench.pack({ ...options, delta, without: [MODEL], with: files });
}

function withDigest(step: DifferenceStep, bytes: Buffer): DifferenceStep {
  return { ...step, delta_hash: `sha256:${digest(bytes)}` };
}

async function installWhole(version: number): Promise<void> {
  await node.import(await bench.pack(linePackage(`1.${version}`, { [MODEL]: model(version) })));
}

it('makes a model from differences in a row, and leaves nothing of what lies between', async () => {
  await installWhole(0);
  await node.import(await packed(0, 3));
  const [entry] = node.library.entries().filter(({ version }) => version === '1.3');
  expect(entry?.sha256).toBe(digest(model(3)));
  expect(await node.store.stat(digest(model(3)))).toMatchObject({ sizeBytes: MODEL_BYTES });
  for (const between of [1, 2]) expect(await node.store.stat(digest(model(between)))).toBeUndefined();
  expect(node.registry.pieceLists.get(digest(model(3)))?.pieceRoot).toBe(entry?.piece_root);
});

it('names the base that is missing, and the version that has it, before anything is stored', async () => {
  await installWhole(0);
  const before = await bench.state();
  await expect(node.import(await packed(1, 2))).rejects.toMatchObject({
    code: 'base_missing',
    message: expect.stringContaining('version 1.1'),
    data: { base: digest(model(1)) },
  });
  expect(await bench.state()).toEqual(before);
});

it('refuses the package when a difference makes other bytes than the manifest names', async () => {
  await installWhole(0);
  const before = await bench.state();
  const source = await packed(0, 1, (bytes) => bytes.writeUInt8((bytes.at(-60) ?? 0) ^ 1, bytes.length - 60));
  await expect(node.import(source)).rejects.toMatchObject({ code: 'bad_member', data: { path: MODEL } });
  expect(await bench.state()).toEqual(before);
  expect(await node.store.listParts()).toEqual([]);
  expect(node.shelf.get(LINE)?.current.version).toBe('1.0');
});

it('leaves nothing of what lies between when a later step of the chain is wrong', async () => {
  await installWhole(0);
  const source = await packed(0, 2, (bytes, at) => {
    if (at === 1) bytes.writeUInt8((bytes.at(-60) ?? 0) ^ 1, bytes.length - 60);
  });
  await expect(node.import(source)).rejects.toMatchObject({ code: 'bad_member' });
  expect(await node.store.stat(digest(model(1)))).toBeUndefined();
  expect(await node.store.listParts()).toEqual([]);
});

it('a content that was here before, and that a chain leads through, stays', async () => {
  await installWhole(0);
  await node.store.put(digest(model(1)), model(1));
  await node.import(await packed(0, 2));
  expect(await node.store.stat(digest(model(1)))).toMatchObject({ sizeBytes: MODEL_BYTES });
});

it('a few bytes that would make a terabyte on the way are refused before any is written', async () => {
  await installWhole(0);
  const source = await packed(0, 2, (bytes, at) => {
    if (at === 0) bytes.writeBigUInt64LE(1_000_000_000_000n, 24);
  });
  await expect(node.import(source)).rejects.toMatchObject({
    code: 'bad_member',
    message: expect.stringContaining('on the way'),
  });
  expect(await node.store.listParts()).toEqual([]);
});
