/** A model that lies on this machine. Spec: docs/spec/08-inventory.md §1. */
import type { ModelId, Sha256 } from '../core/index.ts';
import type { ModelFormat, ModelType } from '../protocol/index.ts';
import type { FileFingerprint } from './ports.ts';

export type ModelSource = 'huggingface' | 'ollama' | 'llamafarm' | 'llamafarm_training' | 'imported';

export interface FoundFile {
  /** Safe relative path in the model. */
  readonly path: string;
  /** Real path of the bytes on this machine; never leaves it. */
  readonly absolutePath: string;
  readonly fingerprint: FileFingerprint;
  /** What the file's name says of its content; a claim. */
  readonly claimedSha256?: Sha256;
}

export interface FoundModel {
  /** Tells found models apart on this machine; not for others. */
  readonly key: string;
  readonly modelId: ModelId;
  readonly name: string;
  readonly version: string;
  readonly type: ModelType;
  readonly format: ModelFormat;
  readonly source: ModelSource;
  readonly sourceRef: string;
  /** Sorted by path. One file, or the files of a set. */
  readonly files: readonly FoundFile[];
  /** True where the model is a set, even of one file. */
  readonly isFileSet: boolean;
  readonly sizeBytes: number;
  readonly capabilities: readonly string[];
  readonly baseModel?: string;
  readonly quantization?: string;
  readonly paramsBillions?: number;
  readonly contextLength?: number;
  readonly classes?: readonly string[];
  /** Loading it runs code that is in it. */
  readonly unsafe: boolean;
  readonly metadata: Readonly<Record<string, string | number | boolean>>;
  /** Why it must not be advertised. */
  readonly damaged?: string;
}

/** Same states of the same files, described alike? */
export function isSameModel(a: FoundModel, b: FoundModel): boolean {
  return stateOf(a) === stateOf(b);
}

function stateOf(model: FoundModel): string {
  return JSON.stringify(model, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
}
