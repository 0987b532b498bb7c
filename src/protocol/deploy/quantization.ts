/** Quantizations and what they do to memory. Spec: docs/spec/16-manifests.md §6. Pure. */
import { MiB } from '../../core/index.ts';
import type { ModelManifest } from './manifest.ts';

/** Memory against F16. */
const MEMORY_FACTORS: Readonly<Record<string, number>> = {
  F32: 2,
  F16: 1,
  BF16: 1,
  INT8: 0.5,
  Q8_0: 0.5,
  Q6_K: 0.41,
  Q5_K_S: 0.35,
  Q5_K_M: 0.35,
  Q4_0: 0.28,
  Q4_K_S: 0.28,
  Q4_K_M: 0.28,
};

/** What runs beside the weights: cache, activations. */
const OVERHEAD = 1.2;

/** Against F16; undefined for a quantization that the table does not have. Case does not count. */
export function memoryFactorOf(quantization: string): number | undefined {
  const name = quantization.toUpperCase();
  return Object.hasOwn(MEMORY_FACTORS, name) ? MEMORY_FACTORS[name] : undefined;
}

export type VramFacts = Pick<ModelManifest, 'quantization' | 'params_billions' | 'size_bytes'> & {
  readonly needs: Pick<ModelManifest['needs'], 'recommended_vram_mb'>;
};

/** In MB (binary). In 32-bit floats and truncated twice, as the public implementation computes it. */
export function estimateVramMb({ quantization, params_billions, size_bytes, needs }: VramFacts): number {
  if (params_billions === undefined) return needs.recommended_vram_mb;
  const factor = quantization === undefined ? 1 : memoryFactorOf(quantization);
  if (factor === undefined) return Math.trunc((size_bytes / MiB) * OVERHEAD);
  const { fround, trunc } = Math;
  const f16Mb = trunc(fround(fround(params_billions) * 2 * 1024));
  return trunc(fround(fround(f16Mb * fround(factor)) * fround(OVERHEAD)));
}
