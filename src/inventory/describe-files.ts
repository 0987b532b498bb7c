/** What a model's files together say: headers of the weights, config.json, chat template. Spec: 08 §1, 07 §3.5. */
import {
  describeConfig,
  FORMATS_LIMITS,
  isModelFileName,
  type ModelDescription,
  toBillions,
} from '../formats/index.ts';
import type { DescriptionMemory } from './description-memory.ts';
import type { FoundFile } from './found-model.ts';
import { nameOf } from './plan-models.ts';

const CONFIG_NAMES = new Set(['config.json', 'model_index.json']);

export interface DescribedFiles {
  readonly description: ModelDescription;
  readonly damaged?: string;
}

/** Throws system errors. `files` are one model's, at least one. */
export async function describeFiles(memory: DescriptionMemory, files: readonly FoundFile[]): Promise<DescribedFiles> {
  const weights = files.filter(({ path }) => isModelFileName(nameOf(path)));
  const first = weights[0] ?? files[0];
  if (first === undefined) throw new RangeError('Describing a model: it has no files');
  const headers = [];
  for (const file of weights.length === 0 ? [first] : weights)
    headers.push(await memory.describe(file.fingerprint, nameOf(file.path)));
  const damage = headers.find((header) => header.damage !== undefined)?.damage;
  const description = mergeHeaders(headers.map((header) => header.description));
  const full = files.length === 1 ? description : await withCompanions(memory, files, description);
  return { description: full, ...(damage === undefined ? {} : { damaged: damage.message }) };
}

/** The first header speaks for all; parameters add up over files of its format; one unsafe file is enough. */
function mergeHeaders(headers: readonly ModelDescription[]): ModelDescription {
  const [first] = headers as [ModelDescription];
  const alike = headers.filter(({ format }) => format === first.format);
  const parameterCount = alike.reduce((sum, header) => sum + (header.parameterCount ?? 0), 0);
  const paramsBillions = toBillions(parameterCount);
  return {
    ...first,
    ...(paramsBillions === undefined ? {} : { parameterCount, paramsBillions }),
    unsafe: headers.some(({ unsafe }) => unsafe),
  };
}

async function withCompanions(
  memory: DescriptionMemory,
  files: readonly FoundFile[],
  header: ModelDescription,
): Promise<ModelDescription> {
  const config = files.find(({ path }) => CONFIG_NAMES.has(path));
  const fields =
    config === undefined
      ? {}
      : await memory.parse(config.fingerprint, 'config', FORMATS_LIMITS.configBytes, describeConfig);
  const described = { ...header, ...fields, ...quantizationOf(header, fields ?? {}) };
  const canChat =
    described.type === 'llm' && !described.capabilities.includes('chat') && (await hasChatTemplate(memory, files));
  return canChat ? { ...described, capabilities: [...described.capabilities, 'chat'] } : described;
}

/** What the tensors are outweighs what the config says, where they have a plain type. */
function quantizationOf(header: ModelDescription, config: Partial<ModelDescription>): Partial<ModelDescription> {
  const quantization = config.quantization?.endsWith('BIT') ? config.quantization : header.quantization;
  return quantization === undefined ? {} : { quantization };
}

async function hasChatTemplate(memory: DescriptionMemory, files: readonly FoundFile[]): Promise<boolean> {
  if (files.some(({ path }) => path === 'chat_template.jinja' || path === 'chat_template.json')) return true;
  const tokenizer = files.find(({ path }) => path === 'tokenizer_config.json');
  if (tokenizer === undefined) return false;
  const hasTemplate = (bytes: Buffer) => bytes.includes('"chat_template"');
  return (await memory.parse(tokenizer.fingerprint, 'chat', FORMATS_LIMITS.configBytes, hasTemplate)) ?? false;
}
