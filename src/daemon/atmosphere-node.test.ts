import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parseManifest, toManifestDocument } from '../protocol/index.ts';
import { AtmosphereNode, type NodeEvent } from './atmosphere-node.ts';
import { makeFolder, writeModel } from './tiny-model.fixture.ts';

let stack: AsyncDisposableStack;
let folder: string;

beforeEach(() => {
  stack = new AsyncDisposableStack();
  folder = stack.use(makeFolder()).path;
});
afterEach(() => stack.disposeAsync());

function make(name: string): AtmosphereNode {
  const ports = { httpHost: '127.0.0.1', httpPort: 0, meshPort: 0, agentPort: 0 };
  return stack.use(new AtmosphereNode({ ...ports, home: join(folder, name), name, mdns: false, scanDefaults: false }));
}

async function started(name: string): Promise<AtmosphereNode> {
  const node = make(name);
  await node.start();
  return node;
}

function whenEvent(node: AtmosphereNode, isWanted: (event: NodeEvent) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = node.events.on((event) => {
      if (!isWanted(event)) return;
      stop();
      resolve();
    });
  });
}

/** Two of one mesh; the second has heard of the first one's model. */
async function pair(tensor: Buffer): Promise<[AtmosphereNode, AtmosphereNode]> {
  const [first, second] = await Promise.all([started('first'), started('second')]);
  const file = writeModel(join(folder, 'tiny.safetensors'), tensor);
  await first.importModel(file, { name: 'acme/tiny', version: '1.0.0', capabilities: ['test'] });
  const heard = whenEvent(second, () => second.catalog.getModel('acme/tiny') !== undefined);
  await second.join((await first.invite()).code);
  await heard;
  return [first, second];
}

test('two nodes in one program share a model', async () => {
  const [first, second] = await pair(randomBytes(3_000_000));
  const states: string[] = [];
  const events: string[] = [];
  second.events.on((event) => {
    if (event.type === 'transfer') states.push(event.transfer.state);
  });
  const pulled = await second.pull('acme/tiny', { from: 'first', onProgress: ({ event }) => events.push(event) });
  const bytes = readFileSync(pulled.path);
  expect(createHash('sha256').update(bytes).digest('hex')).toBe(pulled.sha256);
  expect([events[0], events.at(-1), states.at(-1)]).toEqual(['started', 'completed', 'Completed']);
  const [row] = await second.models('local');
  expect(row).toMatchObject({ model_id: 'acme/tiny', version: '1.0.0', capabilities: ['test'], local: true });
  expect(row?.nodes.toSorted()).toEqual(['first', 'second']);
  expect((await first.nodes()).map(({ name }) => name).toSorted()).toEqual(['first', 'second']);
  expect(await second.models('available')).toEqual([]);
});

test('a model is described by the program that has it, in either vocabulary', async () => {
  const node = await started('describer');
  const file = writeModel(join(folder, 'described.safetensors'), randomBytes(100));
  await node.importModel(file, { name: 'acme/described', version: '1.0.0', capabilities: ['test'] });
  const { manifest } = await node.manifest('acme/described');
  const seed1 = toManifestDocument(parseManifest(manifest), 'seed1');
  const answer = await node.describe('acme/described', { ...seed1, trained_on: '2026-02-02T15:30:00Z' });
  expect(answer.manifest).toMatchObject({ trained_on: '2026-02-02T15:30:00Z', capabilities: ['test'] });
  expect(answer).toMatchObject({ signer: { node_id: node.ready.node_id }, own_words: ['trained_on'] });
  await expect(node.describe('acme/described', { ...manifest, size_bytes: 1 })).rejects.toMatchObject({
    code: 'manifest_mismatch',
  });
});

test('a pull that fails rejects with the code and kind of its failure', async () => {
  const [first, second] = await pair(randomBytes(1000));
  await expect(second.pull('acme/none')).rejects.toMatchObject({ code: 'model_not_found', kind: 'not_found' });
  await expect(second.pull('acme/tiny', { from: 'nobody' })).rejects.toMatchObject({ code: 'node_not_found' });
  await expect(second.pull('acme/tiny', { from: second.ready.node_id })).rejects.toMatchObject({
    name: 'RemoteError',
    code: 'holder_offline',
    kind: 'unreachable',
    retry: true,
  });
  expect(first.ready.name).toBe('first');
});

test('an aborted pull is cancelled, and its reason is thrown', async () => {
  const [, second] = await pair(randomBytes(1000));
  await expect(second.pull('acme/tiny', { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow('enough');
  const abort = new AbortController();
  const onProgress = (): void => abort.abort(new Error('stop'));
  await expect(second.pull('acme/tiny', { signal: abort.signal, onProgress })).rejects.toThrow('stop');
});

test('importing nothing says so', async () => {
  const node = await started('one');
  await expect(node.importModel(join(folder, 'nothing'))).rejects.toMatchObject({ code: 'nothing_to_import' });
});

describe('its life', () => {
  test('a constructor opens nothing, and asking before the start is refused', async () => {
    const node = make('one');
    expect(() => node.ready).toThrowError(expect.objectContaining({ code: 'not_started', kind: 'usage' }));
    await expect(node.models()).rejects.toMatchObject({ code: 'not_started' });
    await node.stop();
  });

  test('it stops, says so, and may start again with the same identity', async () => {
    const node = await started('one');
    const { node_id, http } = node.ready;
    const stopped = whenEvent(node, ({ type }) => type === 'stopped');
    await node.stop();
    await stopped;
    await expect(fetch(`${http}/health`)).rejects.toThrow();
    expect(() => node.catalog).toThrowError(expect.objectContaining({ code: 'not_started' }));
    expect((await node.start()).node_id).toBe(node_id);
  });

  test('stop() during start() waits for it and leaves nothing open', async () => {
    const node = make('one');
    const starting = node.start();
    await node.stop();
    const { http } = await starting;
    await expect(fetch(`${http}/health`)).rejects.toThrow();
    await make('one').start();
  });

  test('a second start is refused, and a second node on the home', async () => {
    const node = await started('one');
    await expect(node.start()).rejects.toMatchObject({ code: 'already_started' });
    await expect(make('one').start()).rejects.toMatchObject({ code: 'home_in_use' });
    expect(node.ready.name).toBe('one');
  });
});
