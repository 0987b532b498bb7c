/** What the readers say about a model file. The unions are those of the catalog. */
export type ModelType =
  | 'vision'
  | 'llm'
  | 'audio'
  | 'embedding'
  | 'anomaly_detector'
  | 'classifier'
  | 'embedder'
  | 'router'
  | 'other';

export type ModelFormat =
  | 'gguf'
  | 'safetensors'
  | 'onnx'
  | 'pytorch'
  | 'pt'
  | 'tflite'
  | 'tensorrt'
  | 'tensorflow'
  | 'sklearn'
  | 'mlx'
  | 'other';

export interface ModelDescription {
  readonly name: string;
  readonly type: ModelType;
  readonly format: ModelFormat;
  readonly version?: string;
  readonly architecture?: string;
  readonly baseModel?: string;
  readonly quantization?: string;
  readonly parameterCount?: number;
  readonly paramsBillions?: number;
  readonly contextLength?: number;
  readonly classes?: readonly string[];
  readonly capabilities: readonly string[];
  /** Loading it runs code that is in it (pickle). */
  readonly unsafe: boolean;
  /** Files beside this one that hold its tensors (ONNX external data); safe relative paths. */
  readonly dataFiles?: readonly string[];
  readonly metadata: Readonly<Record<string, string | number | boolean>>;
}

/** Billions, three significant digits; absent where there is nothing to count. */
export function toBillions(parameterCount: number): number | undefined {
  return parameterCount > 0 ? Number((parameterCount / 1e9).toPrecision(3)) : undefined;
}

/** The key with the most; ties go to the first seen. */
export function majorityOf<Key>(counts: ReadonlyMap<Key, number>): Key | undefined {
  let best: Key | undefined;
  let most = 0;
  for (const [key, count] of counts) {
    if (count > most) [best, most] = [key, count];
  }
  return best;
}

/** Leaves out what is undefined, as exact optional fields want it. */
export function defined<Fields extends object>(fields: Fields): { [K in keyof Fields]: Exclude<Fields[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
