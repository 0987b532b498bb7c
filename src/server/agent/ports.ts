/** What the agent port needs of others. `node` satisfies it. Spec: docs/spec/05-http.md §10. */
export interface AgentModel {
  readonly modelId: string;
  /** Parameters, 10⁹; 0 when unknown. */
  readonly paramsBillions: number;
  readonly quantization: string | undefined;
  /** Verified and on this machine. */
  readonly installed: boolean;
  readonly source: 'ollama' | 'mesh';
}

export interface AgentPull {
  readonly modelId: string;
  readonly state: 'pending' | 'downloading' | 'verifying';
  readonly completedBytes: number;
  readonly totalBytes: number;
  readonly startedAtMs: number;
}

export interface AgentContent {
  /** One a model id. */
  listModels(): readonly AgentModel[];
  /** The newest transfer that is not over. */
  currentPull(): AgentPull | undefined;
}
