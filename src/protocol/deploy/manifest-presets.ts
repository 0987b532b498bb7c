/** Manifests and needs that are known by name. Spec: docs/spec/16-manifests.md §6. Pure data. */
import type { ModelId } from '../../core/index.ts';
import type { ModelManifest } from './manifest.ts';

type Needs = ModelManifest['needs'];

const ARCHITECTURES = ['aarch64', 'x86_64'];
const CPU_OR_GPU = { min_cpu_cores: 0, gpu_required: false, architectures: ARCHITECTURES };

export type NeedsPreset = 'default' | 'small_llm' | 'medium_llm' | 'yolo_nano';

/** What a model of that kind asks of a node. */
export const NEEDS_PRESETS: Readonly<Record<NeedsPreset, Needs>> = {
  default: {
    ...CPU_OR_GPU,
    ...{ min_vram_mb: 0, recommended_vram_mb: 0, min_memory_mb: 2048, execution_providers: ['cpu'] },
  },
  small_llm: {
    ...CPU_OR_GPU,
    ...{ min_vram_mb: 2048, recommended_vram_mb: 4096, min_memory_mb: 4096, execution_providers: ['cuda', 'cpu'] },
  },
  medium_llm: {
    ...CPU_OR_GPU,
    ...{ min_vram_mb: 4096, recommended_vram_mb: 8192, min_memory_mb: 8192, execution_providers: ['cuda', 'cpu'] },
  },
  yolo_nano: {
    ...CPU_OR_GPU,
    ...{ min_vram_mb: 512, recommended_vram_mb: 1024, min_memory_mb: 1024 },
    execution_providers: ['tensorrt', 'cuda', 'cpu'],
  },
};

/** A manifest that lacks only which bytes it is of. */
export type ManifestPreset = Pick<
  ModelManifest,
  'name' | 'version' | 'model_type' | 'format' | 'features' | 'license' | 'source'
> & {
  readonly model_id: ModelId;
  readonly quantization: string;
  readonly params_billions?: number;
  readonly context_length?: number;
  readonly needs: Needs;
};

/** A copy that is the caller's own. */
export function needsPreset(preset: NeedsPreset): Needs {
  return structuredClone(NEEDS_PRESETS[preset]);
}

export const MANIFEST_PRESETS = {
  ministral_3b: (quantization = 'Q4_K_M') => ministral(3, 'small_llm', quantization),
  ministral_8b: (quantization = 'Q4_K_M') => ministral(8, 'medium_llm', quantization),
  yolov8n: (quantization = 'F16'): ManifestPreset => ({
    model_id: 'yolov8n' as ModelId,
    name: 'YOLOv8 Nano',
    version: '8.0.0',
    model_type: 'detector',
    format: 'onnx',
    quantization,
    features: ['coco_80'],
    license: 'AGPL-3.0',
    source: 'Ultralytics',
    needs: needsPreset('yolo_nano'),
  }),
} as const satisfies Record<string, (quantization?: string) => ManifestPreset>;

function ministral(billions: number, needs: NeedsPreset, quantization: string): ManifestPreset {
  return {
    model_id: `ministral-${billions}b` as ModelId,
    name: `Ministral ${billions}B Instruct`,
    version: '25.12',
    model_type: 'llm',
    format: 'gguf',
    quantization,
    params_billions: billions,
    context_length: 256_000,
    features: ['chat', 'function_calling', 'vision'],
    license: 'Apache-2.0',
    source: 'Mistral AI',
    needs: needsPreset(needs),
  };
}

/** The preset of a model that is called so, whoever's name stands before it: `acme/ministral-3b`. */
export function presetNamed(modelId: string): ManifestPreset | undefined {
  const name = modelId.split('/').at(-1)?.toLowerCase();
  return Object.values(MANIFEST_PRESETS)
    .map((make) => make())
    .find((preset) => preset.model_id === name);
}
