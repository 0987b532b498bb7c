/** What a file's name tells, for what its header does not say. Pure. Spec: docs/spec/07-formats.md §7. */
import { FORMATS_LIMITS } from './limits.ts';
import { defined, type ModelFormat, type ModelType } from './model-description.ts';

const FORMAT_OF_EXTENSION: ReadonlyMap<string, ModelFormat> = new Map([
  ['gguf', 'gguf'],
  ['safetensors', 'safetensors'],
  ['onnx', 'onnx'],
  ['pt', 'pt'],
  ['pth', 'pytorch'],
  ['ckpt', 'pytorch'],
  ['bin', 'pytorch'],
  ['tflite', 'tflite'],
  ['engine', 'tensorrt'],
  ['plan', 'tensorrt'],
  ['pkl', 'sklearn'],
  ['pickle', 'sklearn'],
  ['joblib', 'sklearn'],
  ['h5', 'tensorflow'],
  ['keras', 'tensorflow'],
  ['pb', 'tensorflow'],
]);
const QUANTIZATION =
  /(?<![A-Za-z0-9])(I?Q\d_(?:K_[SML]|K|XXS|XS|NL|S|M|0|1)|MXFP4|BF16|FP16|FP32|F16|F32|INT8|INT4)(?![A-Za-z0-9])/gi;
const PARAMETERS = /(?<![A-Za-z0-9.])(?:(\d{1,3})x)?(\d{1,4}(?:\.\d{1,3})?)([BM])(?![A-Za-z0-9])/i;
const DATED = /^(.+)_(\d{4})(\d{2})(\d{2})_(\d{2})(\d{2})(\d{2})$/;
const TYPE_WORDS: readonly (readonly [RegExp, ModelType])[] = [
  [/whisper|wav2vec|piper|speech|audio|moonshine|vits\b/i, 'audio'],
  [/embed|\bbge\b|\bgte\b|\be5\b|minilm|mpnet|sentence/i, 'embedding'],
  [/yolo|resnet|mobilenet|efficientnet|\bvit\b|detr|\bsam\d?\b|clip|detector|segment|ssd/i, 'vision'],
  [/llama|mistral|mixtral|ministral|qwen|gemma|\bphi\b|falcon|deepseek|gpt|smollm|granite|instruct|\bchat\b/i, 'llm'],
];

export interface NameHints {
  /** The file's name without extension and date. */
  readonly stem: string;
  readonly format: ModelFormat;
  readonly type: ModelType;
  /** `yyyyMMdd_HHmmss` of `{name}_{yyyyMMdd_HHmmss}`. */
  readonly version?: string;
  readonly quantization?: string;
  readonly paramsBillions?: number;
}

/** Lower-case, without the dot; empty where there is none. */
export function extensionOf(fileName: string): string {
  const dot = fileName.lastIndexOf('.');
  return dot <= 0 ? '' : fileName.slice(dot + 1).toLowerCase();
}

/** True for endings that model files have. */
export function isModelFileName(fileName: string): boolean {
  return FORMAT_OF_EXTENSION.has(extensionOf(fileName));
}

/** `{name}_{yyyyMMdd_HHmmss}` apart, where the date exists. */
export function splitDatedName(stem: string): { readonly name: string; readonly version?: string } {
  const match = DATED.exec(stem);
  if (match === null) return { name: stem };
  const [, name = '', year, month, day, hour, minute, second] = match;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`;
  const time = Date.parse(iso);
  const isReal = !Number.isNaN(time) && new Date(time).toISOString() === iso;
  return isReal ? { name, version: `${year}${month}${day}_${hour}${minute}${second}` } : { name: stem };
}

export function detectFromName(fileName: string): NameHints {
  const short = fileName.slice(-4 * FORMATS_LIMITS.textChars);
  const extension = extensionOf(short);
  const format = FORMAT_OF_EXTENSION.get(extension) ?? 'other';
  const { name, version } = splitDatedName(extension === '' ? short : short.slice(0, -extension.length - 1));
  return defined({
    stem: name,
    format,
    type: typeOf(name, format),
    version,
    quantization: quantizationOf(name),
    paramsBillions: paramsOf(name),
  });
}

function typeOf(name: string, format: ModelFormat): ModelType {
  const words = name.replace(/[_.]/g, '-');
  return TYPE_WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? (format === 'gguf' ? 'llm' : 'other');
}

function quantizationOf(name: string): string | undefined {
  const last = [...name.matchAll(QUANTIZATION)].at(-1)?.[1]?.toUpperCase();
  return last?.replace(/^FP(16|32)$/, 'F$1');
}

function paramsOf(name: string): number | undefined {
  const match = PARAMETERS.exec(name.replaceAll('_', '-'));
  if (match === null) return undefined;
  const [, experts = '1', amount = '0', unit = 'B'] = match;
  const billions = Number(experts) * Number(amount) * (unit.toUpperCase() === 'B' ? 1 : 0.001);
  return billions > 0 ? Number(billions.toPrecision(6)) : undefined;
}
