import { KiB, type LimitTable, limitValues, MiB } from '../core/index.ts';

export const FORMATS_LIMIT_TABLE = {
  windowBytes: { value: 64 * KiB, why: 'memory of one header being read' },
  ggufHeaderBytes: { value: 128 * MiB, why: 'tokenizers of 256,000 words with merges take about 20 MB' },
  ggufPairs: { value: 65_536, why: 'real files have under 100' },
  ggufTensors: { value: 131_072, why: 'the largest known models have a few thousand' },
  ggufKeyBytes: { value: 65_535, why: 'the format’s own bound' },
  ggufTensorNameBytes: { value: 1024, why: 'the format says 64; some writers go beyond' },
  ggufDimensions: { value: 4, why: 'the format’s own bound' },
  ggufArrayDepth: { value: 2, why: 'nesting is walked by recursion' },
  ggufKeptStringBytes: { value: 64 * KiB, why: 'longer texts are cut; a chat template fits' },
  ggufKeptArrayItems: { value: 256, why: 'longer arrays are tokenizers, which nobody here needs' },
  ggufAlignment: { value: 65_536, why: 'real files use 32' },
  safetensorsHeaderBytes: { value: 32 * MiB, why: 'the format allows 100 MB; real ones stay under 5' },
  safetensorsTensors: { value: 262_144, why: 'mixture-of-experts models have tens of thousands' },
  safetensorsDimensions: { value: 16, why: 'real tensors have at most 6' },
  configBytes: { value: 4 * MiB, why: 'config.json with its labels' },
  shardIndexBytes: { value: 32 * MiB, why: 'model.safetensors.index.json of the largest models is about 10 MB' },
  shardFiles: { value: 1000, why: 'parts of one model' },
  onnxFields: { value: 2_000_000, why: 'work for one file; large graphs have about 100,000 nodes' },
  onnxReadBytes: { value: 64 * MiB, why: 'bytes read of one file while jumping over tensor data' },
  onnxTextBytes: { value: 4 * KiB, why: 'a kept name or property' },
  onnxListItems: { value: 256, why: 'kept inputs, outputs, properties, operator sets, data files' },
  zipDirectoryBytes: { value: 8 * MiB, why: 'a torch archive’s list of members' },
  zipMembers: { value: 65_536, why: 'members looked at for a pickle' },
  textChars: { value: 200, why: 'a text taken from a header for people' },
  describedFields: { value: 32, why: 'free fields of one description' },
} as const satisfies LimitTable;

export const FORMATS_LIMITS = limitValues(FORMATS_LIMIT_TABLE);
