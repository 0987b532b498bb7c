import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HeaderProbe } from '../../runtimes/index.ts';
import { requestFor, testRuntimeProbe } from '../../runtimes/probe.conformance.ts';
import { writeGgufFile, writeOnnxFile, writeShardedSafetensors } from '../../testkit/model-files.ts';
import { runtimesHere } from '../runtimes.ts';
import { checkHeader } from './header-check.ts';

const probe = new HeaderProbe(checkHeader);
const never = new AbortController().signal;

testRuntimeProbe('HeaderProbe with GGUF', {
  ...{ probe, format: 'gguf', outcome: 'checked' },
  writeModel: (path) => writeGgufFile(path, { sizeBytes: 20_000 }),
});
testRuntimeProbe('HeaderProbe with ONNX', {
  ...{ probe, format: 'onnx', outcome: 'checked', writeModel: writeOnnxFile },
});

describe('HeaderProbe and the models of a folder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'headers-'));
    await writeShardedSafetensors(join(folder, 'sharded'), { shards: 2, sizeBytes: 8_000 });
    await writeShardedSafetensors(join(folder, 'damaged'), { shards: 2, sizeBytes: 8_000 });
    await writeFile(join(folder, 'damaged', 'model-00002-of-00002.safetensors'), 'cut');
    await mkdir(join(folder, 'empty'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  const tried = (name: string) => probe.probe(requestFor(join(folder, name), { format: 'safetensors' }), never);

  it('reads each shard', async () => {
    expect(await tried('sharded')).toMatchObject({ outcome: 'checked', runtime: 'header' });
    await expect(tried('damaged')).rejects.toMatchObject({ code: 'probe_failed' });
  });

  it('says when the folder has no file of the format', async () => {
    const failure = { code: 'probe_failed', message: expect.stringContaining('no safetensors file') };
    await expect(tried('empty')).rejects.toMatchObject(failure);
  });
});

describe('runtimesHere()', () => {
  it('has ONNX answer and only looks at the header of the rest', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runtimes-'));
    const { probe: chooser } = runtimesHere();
    const onnx = await writeOnnxFile(join(folder, 'a.onnx'));
    const gguf = await writeGgufFile(join(folder, 'a.gguf'), { sizeBytes: 20_000 });
    expect(await chooser.probe(requestFor(onnx.path, { format: 'onnx' }), never)).toMatchObject({ outcome: 'loaded' });
    expect(await chooser.probe(requestFor(gguf.path, { format: 'gguf' }), never)).toMatchObject({ outcome: 'checked' });
    await rm(folder, { recursive: true, force: true });
  });
});
