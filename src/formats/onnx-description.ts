/** What an ONNX header says for the catalog. Pure. Spec: docs/spec/07-formats.md §4.5. */
import { FORMATS_LIMITS } from './limits.ts';
import { defined, type ModelDescription, majorityOf, toBillions } from './model-description.ts';
import type { OnnxHeader } from './onnx.ts';

const QUANTIZATION_OF_TYPE: ReadonlyMap<number, string> = new Map([
  [1, 'F32'],
  [2, 'INT8'],
  [3, 'INT8'],
  [10, 'F16'],
  [11, 'F64'],
  [16, 'BF16'],
]);

/** Fields for ModelDescription; type and name are left to the file's name. */
export function describeOnnx(header: OnnxHeader): Partial<ModelDescription> {
  return defined({
    format: 'onnx' as const,
    quantization: QUANTIZATION_OF_TYPE.get(majorityOf(header.elementsByType) ?? 0),
    parameterCount: header.complete ? header.parameterCount : undefined,
    paramsBillions: header.complete ? toBillions(header.parameterCount) : undefined,
    classes: classesOf(header.metadata.get('names')),
    unsafe: false,
    dataFiles: header.dataFiles.length === 0 ? undefined : header.dataFiles,
    metadata: metadataOf(header),
  });
}

function metadataOf(header: OnnxHeader): Record<string, string | number> {
  const kept: [string, string | number][] = [['ir_version', header.irVersion]];
  if (header.producerName !== '') kept.push(['producer', header.producerName.slice(0, FORMATS_LIMITS.textChars)]);
  const operatorSet = header.operatorSets.get('');
  if (operatorSet !== undefined) kept.push(['opset', operatorSet]);
  for (const [key, value] of header.metadata) {
    const isShort = key.length <= FORMATS_LIMITS.textChars && value.length <= FORMATS_LIMITS.textChars;
    if (isShort && key !== 'names' && kept.length < FORMATS_LIMITS.describedFields) kept.push([key, value]);
  }
  return Object.fromEntries(kept);
}

/** Ultralytics writes `{0: 'person', 1: 'bicycle', …}`. */
function classesOf(names: string | undefined): string[] | undefined {
  const found = [...(names ?? '').matchAll(/\d+: (?:'([^']{1,200})'|"([^"]{1,200})")/g)];
  return found.length === 0 ? undefined : found.slice(0, 1000).map((match) => match[1] ?? match[2] ?? '');
}
