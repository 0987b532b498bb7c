/** Answers as a daemon gives them. */
import type { ModelRow, PullEvent, Transfer } from '../api/index.ts';

export const DIGEST = `9f86d081884c${'0'.repeat(51)}1`;

export function makeRow(changes: Partial<ModelRow> = {}): ModelRow {
  return {
    model_id: 'org/llama3',
    name: 'Llama 3',
    version: '1.2.0',
    type: 'llm',
    format: 'gguf',
    size_bytes: 4_000_000_000,
    sha256: DIGEST,
    local: true,
    nodes: ['alpha', 'beta'],
    state: 'ready',
    source: 'imported',
    source_ref: '',
    capabilities: ['chat'],
    unsafe: false,
    public: false,
    file_count: 1,
    ...changes,
  };
}

const MOVING = {
  request_id: '3f2a91c0-0000-4000-8000-000000000001',
  model_id: 'org/llama3',
  version: '1.2.0',
  sha256: DIGEST,
  size_bytes: 1000,
  bytes_downloaded: 500,
  progress_percent: 50,
  transfer_rate_mbps: 80,
  eta_seconds: 12,
  path: null,
  duration_ms: 100,
};

export function makePullEvent(changes: Partial<PullEvent> = {}): PullEvent {
  const peers = [{ node_id: 'n', name: 'alpha', bytes: 500, failures: 0 }];
  return { event: 'progress', ...MOVING, peers, ...changes };
}

export function makeTransfer(changes: Partial<Transfer> = {}): Transfer {
  return { ...MOVING, state: 'Downloading', peers: [], started_at: '2026-01-01T00:00:00.000Z', ...changes };
}
