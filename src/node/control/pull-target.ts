/** Which content a pull is for: named, or the best that can do what is asked. Spec: docs/spec/17-deployment.md §7. */
import type { ModelEntry } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import { mergeModels } from '../model-view.ts';
import { resolveCurrent } from './current-model.ts';
import type { NodeParts } from './parts.ts';

export interface PullTarget {
  readonly id?: string | undefined;
  readonly range?: string | undefined;
  readonly capabilities?: readonly string[] | undefined;
  readonly max_size_bytes?: number | undefined;
  readonly wait_s?: number | undefined;
}

/**
 * By criteria the mesh is asked when nothing known fits. Throws NodeError `model_not_found`, `model_ambiguous`, `model_not_ready`,
 * `nothing_offered`, `too_many_requests`; ProtocolError `invalid_range`.
 */
export async function entryToPull(parts: NodeParts, target: PullTarget, signal: AbortSignal): Promise<ModelEntry> {
  const { id, range, capabilities, max_size_bytes: maxSizeBytes, wait_s } = target;
  if (id !== undefined && capabilities === undefined && maxSizeBytes === undefined) return namedEntry(parts, id, range);
  const criteria = { name: id, version: range, capabilities: capabilities ?? [], maxSizeBytes };
  const waitMs = wait_s === undefined ? NODE_LIMITS.requestWaitMs : wait_s * 1000;
  return (await parts.exchange.find(criteria, waitMs, signal)).entry;
}

function namedEntry(parts: NodeParts, id: string, range: string | undefined): ModelEntry {
  const models = mergeModels(parts.library.list(), parts.catalog.getAllModels());
  const known = resolveCurrent(parts, models, { id, range });
  if (known.entry !== undefined) return known.entry;
  throw new NodeError('model_not_ready', `Pulling ${id}: it is here, and not yet read`);
}
