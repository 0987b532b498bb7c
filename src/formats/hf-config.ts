/** `config.json` of a transformers model. Pure; a file that is no such config says nothing. Spec: 07-formats.md §3.5. */
import { countField, type JsonObject, objectField, parseJsonObject, textField } from './json-fields.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { defined, type ModelDescription, type ModelType } from './model-description.ts';

const SPEECH = /whisper|wav2vec|hubert|speech|audio|seamless|moonshine/i;
const TYPE_OF_ARCHITECTURE: readonly (readonly [RegExp, ModelType])[] = [
  [/(SpeechSeq2Seq|CTC|AudioClassification|XVector)$/, 'audio'],
  [/(CausalLM|LMHeadModel|ConditionalGeneration|Seq2SeqLM)$/, 'llm'],
  [/(SequenceClassification|TokenClassification)$/, 'classifier'],
  [/(ImageClassification|ObjectDetection|Segmentation|DepthEstimation|ImageProcessing|VisionModel)/, 'vision'],
  [/(MaskedLM|BertModel|EncoderModel|E5Model|MPNetModel|RobertaModel)$/, 'embedding'],
];
const QUANTIZATION_OF_DTYPE: ReadonlyMap<string, string> = new Map([
  ['float32', 'F32'],
  ['float16', 'F16'],
  ['bfloat16', 'BF16'],
  ['int8', 'INT8'],
]);

/** Fields for ModelDescription; `{}` for bytes that are no config or too large. */
export function describeConfig(bytes: Buffer): Partial<ModelDescription> {
  const config = bytes.length > FORMATS_LIMITS.configBytes ? undefined : parseJsonObject(bytes.toString('utf8'));
  if (config === undefined) return {};
  const architecture = architectureOf(config);
  const type = architecture === undefined ? undefined : typeOfArchitecture(architecture);
  return defined({
    type,
    architecture: (textField(config, 'model_type') ?? architecture)?.slice(0, FORMATS_LIMITS.textChars),
    quantization: quantizationOf(config),
    contextLength: contextLengthOf(config),
    classes: classesOf(config, type),
    capabilities: type === undefined ? undefined : capabilitiesOf(config, type),
  });
}

function architectureOf(config: JsonObject): string | undefined {
  const first = Array.isArray(config.architectures) ? config.architectures[0] : undefined;
  return typeof first === 'string' && first.length <= FORMATS_LIMITS.textChars ? first : undefined;
}

function typeOfArchitecture(architecture: string): ModelType | undefined {
  if (SPEECH.test(architecture)) return 'audio';
  return TYPE_OF_ARCHITECTURE.find(([pattern]) => pattern.test(architecture))?.[1];
}

function capabilitiesOf(config: JsonObject, type: ModelType): string[] {
  if (type === 'audio') return ['audio_transcription'];
  if (type === 'embedding') return ['embedding'];
  if (type !== 'llm') return type === 'vision' ? ['vision'] : [];
  return ['text_generation', ...(objectField(config, 'vision_config') === undefined ? [] : ['vision'])];
}

function contextLengthOf(config: JsonObject): number | undefined {
  const places = [config, objectField(config, 'text_config') ?? {}];
  const keys = ['max_position_embeddings', 'n_positions', 'max_source_positions'];
  for (const place of places) {
    const found = keys.map((key) => countField(place, key)).find((value) => value !== undefined);
    if (found !== undefined) return found;
  }
  return undefined;
}

function quantizationOf(config: JsonObject): string | undefined {
  const method = objectField(config, 'quantization_config');
  const name = method === undefined ? undefined : textField(method, 'quant_method');
  if (method !== undefined && name !== undefined && /^[A-Za-z0-9_-]{1,32}$/.test(name)) {
    const bits = countField(method, 'bits');
    return bits === undefined ? name.toUpperCase() : `${name.toUpperCase()}_${bits}BIT`;
  }
  return QUANTIZATION_OF_DTYPE.get(textField(config, 'torch_dtype') ?? textField(config, 'dtype') ?? '');
}

/** Labels of a classifier or detector, in the order of their numbers; none for the placeholder names. */
function classesOf(config: JsonObject, type: ModelType | undefined): string[] | undefined {
  const labels = objectField(config, 'id2label');
  if (labels === undefined || (type !== 'vision' && type !== 'classifier')) return undefined;
  const names = Object.values(labels).filter((label): label is string => typeof label === 'string' && label !== '');
  const short = names.filter((name) => name.length <= FORMATS_LIMITS.textChars).slice(0, 1000);
  return short.length === 0 || short[0] === 'LABEL_0' ? undefined : short;
}
