/** How long a probe may take and how much memory, by the model's size. Pure. Spec: docs/spec/17-deployment.md §5.3. */
import { GiB } from '../core/index.ts';
import { RUNTIMES_LIMITS } from './limits.ts';

export interface Allowance {
  readonly timeMs: number;
  readonly memoryBytes: number;
}

/** `neededBytes`: what the manifest says that the model needs. */
export function allowanceFor(modelBytes: number, machineBytes: number, neededBytes = 0): Allowance {
  const { probeBaseMs, probeMsPerGiB, probeBaseMemoryBytes, probeMemoryPerModelByte, probeMemoryShare } =
    RUNTIMES_LIMITS;
  const wanted = probeBaseMemoryBytes + Math.max(probeMemoryPerModelByte * modelBytes, neededBytes);
  return {
    timeMs: Math.ceil(probeBaseMs + (modelBytes / GiB) * probeMsPerGiB),
    memoryBytes: Math.min(wanted, Math.floor(machineBytes * probeMemoryShare)),
  };
}
