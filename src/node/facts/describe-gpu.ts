/** The GPU with the most memory: a model runs on one. Spec: docs/spec/17-deployment.md §1.3. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MiB } from '../../core/index.ts';
import { runBriefly } from './run-briefly.ts';

export interface GpuFacts {
  readonly vramMb: number;
  readonly name: string | undefined;
}

export interface GpuPlaces {
  readonly env?: NodeJS.ProcessEnv;
  /** Where the kernel shows its graphics cards. */
  readonly cards?: string;
}

const NONE: GpuFacts = { vramMb: 0, name: undefined };

export async function describeGpu({ env = process.env, cards = '/sys/class/drm' }: GpuPlaces = {}): Promise<GpuFacts> {
  const query = ['--query-gpu=memory.total,name', '--format=csv,noheader,nounits'];
  const told = await runBriefly('nvidia-smi', query, { env });
  const found = [...(told === undefined ? [] : readNvidia(told)), ...(await readCards(cards))];
  return found.reduce((best, gpu) => (gpu.vramMb > best.vramMb ? gpu : best), NONE);
}

/** `24564, NVIDIA GeForce RTX 4090`, a line a GPU. */
function readNvidia(text: string): GpuFacts[] {
  return text.split('\n').flatMap((line) => {
    const [, memory = '', name = ''] = /^\s*(\d{1,9})\s*,\s*(.+?)\s*$/.exec(line) ?? [];
    return memory === '' ? [] : [{ vramMb: Number(memory), name: name.slice(0, 100) }];
  });
}

/** Drivers that tell how much memory their card has, in bytes. */
async function readCards(folder: string): Promise<GpuFacts[]> {
  const names = await readdir(folder).catch(() => []);
  const cards = names.filter((name) => /^card\d+$/.test(name)).slice(0, 64);
  const found = await Promise.all(cards.map((card) => readCard(join(folder, card, 'device'))));
  return found.flatMap((gpu) => gpu ?? []);
}

async function readCard(device: string): Promise<GpuFacts | undefined> {
  const bytes = await readShort(join(device, 'mem_info_vram_total'));
  if (bytes === undefined || !/^\d{1,15}$/.test(bytes)) return undefined;
  const name = await readShort(join(device, 'product_name'));
  return { vramMb: Math.floor(Number(bytes) / MiB), name: name || 'GPU' };
}

async function readShort(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim().slice(0, 100),
    () => undefined,
  );
}
