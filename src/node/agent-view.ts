/** What the agent port shows: models that are ready here or offered elsewhere, one an id, and the pull under way. */
import type { NodeParts } from './control/parts.ts';
import { mergeModels, toRow } from './model-view.ts';
import type { TransferSnapshot } from './pull/transfer-snapshot.ts';

export interface AgentModelView {
  readonly modelId: string;
  readonly paramsBillions: number;
  readonly quantization: string | undefined;
  readonly installed: boolean;
  readonly source: 'ollama' | 'mesh';
}

export interface AgentPullView {
  readonly modelId: string;
  readonly state: 'pending' | 'downloading' | 'verifying';
  readonly completedBytes: number;
  readonly totalBytes: number;
  readonly startedAtMs: number;
}

export interface AgentView {
  listModels(): readonly AgentModelView[];
  currentPull(): AgentPullView | undefined;
}

export function agentView(parts: NodeParts): AgentView {
  return {
    listModels: () => listModels(parts),
    currentPull: () =>
      parts.transfers
        .list()
        .map(toPull)
        .find((pull) => pull !== undefined),
  };
}

/** Of several contents under one id, one that is installed, else the newest. */
function listModels({ name, library, catalog }: NodeParts): AgentModelView[] {
  const byId = new Map<string, AgentModelView>();
  for (const model of mergeModels(library.list(), catalog.getAllModels())) {
    const row = toRow(model, name);
    const installed = row.state === 'ready';
    if (!installed && row.state !== 'remote' && row.nodes.length === 0) continue;
    if (byId.has(row.model_id) && (!installed || byId.get(row.model_id)?.installed === true)) continue;
    byId.set(row.model_id, {
      modelId: row.model_id,
      paramsBillions: row.params_billions ?? 0,
      quantization: row.quantization,
      installed,
      source: row.source === 'ollama' ? 'ollama' : 'mesh',
    });
  }
  return [...byId.values()];
}

function toPull(transfer: TransferSnapshot): AgentPullView | undefined {
  const state = RUNNING[transfer.state];
  if (state === undefined) return undefined;
  const { entry, bytesDownloaded, totalBytes, startedAtMs } = transfer;
  return { modelId: entry.model_id, state, completedBytes: bytesDownloaded, totalBytes, startedAtMs };
}

const RUNNING: Partial<Record<TransferSnapshot['state'], AgentPullView['state']>> = {
  Pending: 'pending',
  Downloading: 'downloading',
  Verifying: 'verifying',
};
