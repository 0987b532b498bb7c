import { expect, test } from 'vitest';
import { Emitter, type NodeId } from '../../core/index.ts';
import type { ModelStatusEntry } from '../../protocol/index.ts';
import { NEW, nodeIdOf, OLD } from '../../testkit/rollout-sim/make-world.ts';
import { NODE_LIMITS } from '../limits.ts';
import { ModelStatuses } from './model-statuses.ts';

const [a, b] = [nodeIdOf(0), nodeIdOf(1)];

function entryOf({ version, sha256 }: typeof NEW, modelId: string = NEW.model_id): ModelStatusEntry {
  const facts = { version, sha256, download_progress: 1, updated_at: '2030-01-01T00:00:00.000Z' };
  return { ...facts, model_id: modelId as typeof NEW.model_id, status: 'Loaded' };
}

function open() {
  const said = new Map<NodeId, ModelStatusEntry[]>();
  const changes = new Emitter<NodeId>();
  const asked = { all: 0 };
  const of = (nodeId: NodeId) => {
    const models = said.get(nodeId);
    return models === undefined ? undefined : { nodeId, models };
  };
  const all = () => {
    asked.all += 1;
    return [...said.keys()].flatMap((nodeId) => of(nodeId) ?? []);
  };
  const say = (nodeId: NodeId, ...models: ModelStatusEntry[]) => {
    if (models.length === 0) said.delete(nodeId);
    else said.set(nodeId, models);
    changes.emit(nodeId);
  };
  return { statuses: new ModelStatuses({ all, of, changes }), say, asked };
}

test('tells what each node says of one model, and follows what changes without reading all again', () => {
  const { statuses, say, asked } = open();
  say(a, entryOf(OLD), entryOf(OLD, 'acme/other'));
  expect([...statuses.of(NEW.model_id)]).toEqual([[a, [entryOf(OLD)]]]);
  say(a, entryOf(NEW));
  say(b, entryOf(OLD, 'acme/other'));
  expect([...statuses.of(NEW.model_id)]).toEqual([[a, [entryOf(NEW)]]]);
  say(a);
  expect([...statuses.of(NEW.model_id)]).toEqual([]);
  expect(asked.all).toBe(1);
});

test('forgets models that are asked of when there are too many, and knows them again', () => {
  const { statuses, say } = open();
  say(a, entryOf(OLD));
  for (let count = 0; count <= NODE_LIMITS.watchedModels; count += 1) statuses.of(`acme/model-${count}`);
  say(a, entryOf(NEW));
  expect(statuses.of(NEW.model_id).get(a)).toEqual([entryOf(NEW)]);
});
