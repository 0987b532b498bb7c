/** What a runtime is asked: does this model load, and does it answer? Spec: docs/spec/17-deployment.md §5. */
import type { ModelManifest } from '../protocol/index.ts';

export interface ProbeRequest {
  readonly manifest: Pick<ModelManifest, 'model_id' | 'version' | 'format' | 'file' | 'config' | 'metadata'>;
  /** The model's file, or the folder of a model of several files. */
  readonly path: string;
}

export interface ProbeResult {
  /** `loaded`: it answered an inference. `checked`: its header is good, and there is no runtime for its format yet. */
  readonly outcome: 'loaded' | 'checked';
  readonly runtime: string;
  /** From the start of the probe to its answer. */
  readonly durationMs: number;
  readonly executionProvider?: string;
  readonly peakMemoryBytes?: number;
}

export interface RuntimeProbe {
  /** `onnxruntime`, `header`. */
  readonly name: string;
  /** Does it know this format, here and now? */
  canProbe(format: ModelManifest['format']): Promise<boolean>;
  /**
   * Throws RuntimeError `probe_failed` (with what the runtime said), `probe_timed_out`, `probe_memory`, `probe_crashed`,
   * `wrong_answer`; the model is then not to be used. `cancelled` when the signal comes.
   */
  probe(request: ProbeRequest, signal: AbortSignal): Promise<ProbeResult>;
}
