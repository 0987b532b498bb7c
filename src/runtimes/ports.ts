/** What a runtime is asked: does this model load, and does it answer? Spec: docs/spec/17-deployment.md §5. */
import type { ModelManifest } from '../protocol/index.ts';

export interface ProbeRequest {
  readonly manifest: Pick<ModelManifest, 'model_id' | 'version' | 'format' | 'file' | 'config' | 'metadata'> &
    Partial<Pick<ModelManifest, 'needs'>>;
  /** The model's file, or the folder of a model of several files. */
  readonly path: string;
}

export interface ProbeResult {
  /** `loaded`: it answered an inference. `checked`: its header is good, and there is no runtime for its format yet. */
  readonly outcome: 'loaded' | 'checked';
  /** `onnxruntime 1.30.0`, `header`. */
  readonly runtime: string;
  /** From the start of the probe to its answer. */
  readonly durationMs: number;
  /** Of it, until the model was loaded, and the inference. */
  readonly loadMs?: number;
  readonly inferMs?: number;
  /** Was the answer compared with golden outputs? */
  readonly golden?: boolean;
  readonly executionProvider?: string;
  readonly peakMemoryBytes?: number;
}

export interface RuntimeProbe {
  /** `onnxruntime`, `header`. */
  readonly name: string;
  /** Does it know this format, here and now? */
  canProbe(format: ModelManifest['format']): Promise<boolean>;
  /**
   * Throws RuntimeError `probe_failed` (with what the runtime said), `wrong_answer`, `bad_golden`, `probe_timed_out`,
   * `probe_memory`, `probe_crashed`, `probe_not_started`; the model is then not to be used. `cancelled` when the signal comes.
   */
  probe(request: ProbeRequest, signal: AbortSignal): Promise<ProbeResult>;
}

/** A runtime as it is on this machine. */
export type RuntimeState =
  | { readonly version: string; readonly executionProviders: readonly string[] }
  | { readonly missing: string };

/** Reads the header of a file or folder; throws what is wrong with it. Made by who knows formats. */
export type HeaderCheck = (path: string, format: ModelManifest['format'], signal: AbortSignal) => Promise<void>;
