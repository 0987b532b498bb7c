/** What a model's file is called where nobody named it. Spec: docs/spec/16-manifests.md §7. Pure. */
import { createHash } from 'node:crypto';
import type { ModelFormat } from '../catalog.ts';
import { toFolderName } from '../names.ts';
import type { ModelManifest } from './manifest.ts';

const EXTENSIONS: Readonly<Record<ModelFormat, string>> = {
  gguf: 'gguf',
  safetensors: 'safetensors',
  onnx: 'onnx',
  pytorch: 'pt',
  pt: 'pt',
  tflite: 'tflite',
  tensorrt: 'engine',
  tensorflow: 'pb',
  sklearn: 'joblib',
  mlx: 'safetensors',
  other: 'bin',
};

/** `{model_id}-{version}-{quantization}.{ext}`; a safe file name for every manifest. */
export function manifestFileName(
  manifest: Pick<ModelManifest, 'model_id' | 'version' | 'quantization' | 'format'>,
): string {
  const { model_id, version, quantization, format } = manifest;
  const parts = [shortened(toFolderName(model_id)), safe(version.replaceAll('.', '_'))];
  if (quantization !== undefined) parts.push(safe(quantization.toLowerCase()));
  return `${parts.join('-')}.${EXTENSIONS[format]}`;
}

/** Ids may be longer than what is left of a file's name. */
function shortened(name: string): string {
  if (name.length <= ID_CHARS) return name;
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 16);
  return `${name.slice(0, ID_CHARS - digest.length - 1)}-${digest}`;
}

const ID_CHARS = 100;

/** Versions and quantizations are free text. */
function safe(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_+-]/g, '_').slice(0, PART_CHARS);
}

const PART_CHARS = 40;
