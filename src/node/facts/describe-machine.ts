/** What this machine is, found out. Spec: docs/spec/17-deployment.md §1. Nothing here throws: what cannot be told is left out. */
import { availableParallelism, machine, totalmem } from 'node:os';
import { MiB } from '../../core/index.ts';
import { toArchitecture } from '../../deploy/index.ts';
import type { NodeCapabilities } from '../../protocol/index.ts';
import { describeGpu } from './describe-gpu.ts';
import { describePython } from './describe-python.ts';

export type MachineFacts = Pick<NodeCapabilities, 'hardware' | 'execution_providers' | 'software'>;

export interface MachinePorts {
  freeBytes(): Promise<number>;
  /** Those that really load, best first. */
  executionProviders(): Promise<readonly string[]>;
  readonly env?: NodeJS.ProcessEnv;
}

/** At once, and without asking anybody. */
export function glanceAtMachine(): MachineFacts {
  return {
    hardware: {
      memory_mb: Math.floor(memoryBytes() / MiB),
      vram_mb: 0,
      cpu_cores: availableParallelism(),
      architecture: toArchitecture(machine()),
      disk_free_mb: 0,
    },
    execution_providers: [],
    software: { installed_packages: [] },
  };
}

export async function describeMachine({ freeBytes, executionProviders, env }: MachinePorts): Promise<MachineFacts> {
  const { hardware } = glanceAtMachine();
  const [disk, gpu, software, providers] = await Promise.all([
    freeDiskMb(freeBytes),
    describeGpu(env === undefined ? {} : { env }),
    describePython(env),
    executionProviders().catch(() => []),
  ]);
  const named = gpu.name === undefined ? {} : { gpu: gpu.name };
  return {
    hardware: { ...hardware, vram_mb: gpu.vramMb, disk_free_mb: disk, ...named },
    execution_providers: [...providers],
    software,
  };
}

/** In steps of about 2 %: others need not hear of every file. A full disk is 1, for 0 says nothing. */
export async function freeDiskMb(freeBytes: () => Promise<number>): Promise<number> {
  const freeMb = await freeBytes().then(
    (bytes) => bytes / MiB,
    () => 0,
  );
  if (freeMb <= 0) return 0;
  const step = 2 ** Math.max(0, Math.floor(Math.log2(freeMb)) - 5);
  return Math.max(1, Math.floor(freeMb / step) * step);
}

/** A container may have less than its machine. */
function memoryBytes(): number {
  const allowed = process.constrainedMemory();
  return allowed > 0 ? Math.min(allowed, totalmem()) : totalmem();
}
