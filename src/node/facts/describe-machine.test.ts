import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { machine, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GiB, MiB } from '../../core/index.ts';
import { toArchitecture } from '../../deploy/index.ts';
import { describeGpu } from './describe-gpu.ts';
import { describeMachine, freeDiskMb } from './describe-machine.ts';
import { describePython } from './describe-python.ts';
import { runBriefly } from './run-briefly.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atmosphere-facts-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

/** A program of this name, alone in the search path beside the system's. */
async function program(name: string, script: string): Promise<NodeJS.ProcessEnv> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return { PATH: `${folder}:/usr/bin:/bin` };
}

async function card(name: string, files: Record<string, string>): Promise<string> {
  const device = join(folder, 'drm', name, 'device');
  await mkdir(device, { recursive: true });
  for (const [file, text] of Object.entries(files)) await writeFile(join(device, file), text);
  return join(folder, 'drm');
}

describe('describeGpu()', () => {
  const noCards = '/nowhere';

  test('takes the GPU with the most memory of those that nvidia-smi lists', async () => {
    const env = await program('nvidia-smi', 'echo "8192, Small"; echo "24564, NVIDIA GeForce RTX 4090"');
    expect(await describeGpu({ env, cards: noCards })).toEqual({ vramMb: 24_564, name: 'NVIDIA GeForce RTX 4090' });
  });

  test('takes the kernel’s word for other cards, and only for cards', async () => {
    await card('card0-HDMI-A-1', { mem_info_vram_total: '99999999999' });
    await card('card1', { mem_info_vram_total: 'rubbish' });
    const cards = await card('card0', { mem_info_vram_total: `${16 * GiB}\n`, product_name: 'Instinct\n' });
    expect(await describeGpu({ env: { PATH: folder }, cards })).toEqual({ vramMb: 16_384, name: 'Instinct' });
  });

  test.each([
    ['there is none', undefined],
    ['it fails', 'echo "24564, X"; exit 9'],
    ['it says something else', 'echo "No devices were found"'],
    ['it says too much', 'yes 24564'],
  ])('says 0 where nvidia-smi cannot be believed: %s', async (_name, script) => {
    const env = script === undefined ? { PATH: folder } : await program('nvidia-smi', script);
    expect(await describeGpu({ env, cards: noCards })).toEqual({ vramMb: 0, name: undefined });
  });
});

describe('runBriefly()', () => {
  test('a program that hangs is ended with everything that it started', async () => {
    const env = await program('hangs', 'sleep 60 & sleep 60');
    const asked = runBriefly('hangs', [], { env, timeoutMs: 300 });
    expect(await asked).toBeUndefined();
  });

  test('one that ends and leaves another behind that holds its output is not waited for', async () => {
    const env = await program('leaves', 'sleep 60 & echo done');
    const startMs = performance.now();
    expect(await runBriefly('leaves', [], { env, timeoutMs: 300 })).toBeUndefined();
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });
});

describe('describePython()', () => {
  test.each([
    [
      '{"version":"3.11.7","packages":["numpy==1.26.0"]}',
      { python_version: '3.11.7', installed_packages: ['numpy==1.26.0'] },
    ],
    ['{"version":"3.11.7","packages":[7,"a==1"]}', { python_version: '3.11.7', installed_packages: ['a==1'] }],
    ['{"version":"three","packages":[]}', { installed_packages: [] }],
    ['{"version":"3.11.7"}', { installed_packages: [] }],
    ['rubbish', { installed_packages: [] }],
  ])('reads %s', async (answer, facts) => {
    const env = await program('python3', `echo '${answer}'`);
    // The system's own is not asked in its place.
    await program('python', 'exit 1');
    expect(await describePython({ ...env, PATH: folder })).toEqual(facts);
  });

  test('nothing is loaded from the folder that it was started in', async () => {
    const env = await program(
      'python3',
      'pwd >&2; for word in "$@"; do case "$word" in *"sys.path = "*) echo \'{"version":"3.0.0","packages":[]}\';; esac; done',
    );
    expect(await describePython(env)).toEqual({ python_version: '3.0.0', installed_packages: [] });
  });
});

describe('describeMachine()', () => {
  test('is this machine', async () => {
    const facts = await describeMachine({
      freeBytes: async () => 10 * GiB,
      executionProviders: async () => ['cpu'],
      env: { PATH: folder },
    });
    expect(facts.hardware).toMatchObject({ architecture: toArchitecture(machine()), disk_free_mb: 10_240 });
    expect(facts.hardware.memory_mb).toBeGreaterThan(64);
    expect(facts.hardware.memory_mb).toBeLessThanOrEqual(totalmem() / MiB);
    expect(facts.hardware.cpu_cores).toBeGreaterThan(0);
    expect(facts).toMatchObject({ execution_providers: ['cpu'], software: { installed_packages: [] } });
  });

  test('leaves out what cannot be told', async () => {
    const fail = () => Promise.reject(new Error('no'));
    const facts = await describeMachine({ freeBytes: fail, executionProviders: fail, env: { PATH: folder } });
    expect(facts).toMatchObject({ hardware: { disk_free_mb: 0 }, execution_providers: [] });
  });

  test.each([
    [0, 0],
    [1, 1],
    [MiB * 63.9, 63],
    [MiB * 1000, 992],
    [MiB * 100_000, 98_304],
    [MiB * 100_300, 98_304],
  ])('free disk of %i bytes is told as %i MB', async (bytes, wanted) => {
    expect(await freeDiskMb(async () => bytes)).toBe(wanted);
  });
});
