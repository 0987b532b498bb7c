/** Two and three nodes in one process: what travels is what differs. Spec: docs/spec/22-differences.md §7. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AnswerOf, DAEMON_DEFAULTS } from '../api/index.ts';
import { MiB, type PieceRoot, type Sha256, silentLogger } from '../core/index.ts';
import { BLOB_STREAM_PROTOCOL } from '../protocol/index.ts';
import { eventually, nextTurn } from '../testkit/eventually.ts';
import { StreamPieceSource } from '../transfer/index.ts';
import { type OpenProgram, openProgram } from './daemon.ts';
import { makeFolder, writeModel } from './tiny-model.fixture.ts';

const stack = new AsyncDisposableStack();
const folder = stack.use(makeFolder()).path;
const none = () => new AbortController().signal;
const ask = { query: {}, body: {}, params: {} };
const MODEL = 'acme/detector';
const first = randomBytes(3 * MiB);
const versions = { '1.0.0': first, '2.0.0': changed(first), '3.0.0': changed(changed(first)) };

/** Another version: a byte in each kB or so is another. */
function changed(bytes: Buffer): Buffer {
  const copy = Buffer.from(bytes);
  for (let at = 7; at < copy.length; at += 1009) copy[at] = ((copy[at] ?? 0) + 1) & 0xff;
  return copy;
}

async function start(name: string): Promise<OpenProgram['node']> {
  const ports = { httpHost: '127.0.0.1', httpPort: 0, meshPort: 0, agentPort: 0 };
  const config = { ...DAEMON_DEFAULTS, ...ports, home: join(folder, name), name, mdns: false, scanDefaults: false };
  const program = await openProgram(config, silentLogger);
  stack.defer(() => program.daemon.stop());
  return program.node;
}

async function give(node: OpenProgram['node'], version: keyof typeof versions): Promise<Sha256> {
  return giveBytes(node, MODEL, version, versions[version]);
}

async function giveBytes(node: OpenProgram['node'], name: string, version: string, bytes: Buffer): Promise<Sha256> {
  const file = writeModel(join(folder, node.parts.name, 'given', name, version, 'model.safetensors'), bytes);
  let sha256: string | null | undefined;
  const body = { path: file, name, version };
  for await (const event of node.control.modelImport({ ...ask, body }, none())) sha256 = event.model?.sha256 ?? sha256;
  return sha256 as Sha256;
}

/** Waits until `node` has heard that somebody has that version. */
async function hears(node: OpenProgram['node'], version: string): Promise<void> {
  const has = () => node.parts.catalog.getAllModels().some(({ entry }) => entry.version === version);
  await eventually(nextTurn, has);
}

async function pull(node: OpenProgram['node'], range: string, difference?: 'always' | 'never') {
  const body = { id: MODEL, range, ...(difference === undefined ? {} : { difference }) };
  let last: AnswerOf<'pull'> | undefined;
  for await (const event of node.control.pull({ ...ask, body }, none())) last = event;
  if (last === undefined) throw new Error('the pull said nothing');
  return last;
}

async function forget(node: OpenProgram['node'], range: string): Promise<void> {
  await node.control.modelRemove({ ...ask, body: { id: MODEL, range } }, none());
}

function received({ peers = [] }: AnswerOf<'pull'>): number {
  return peers.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function sha256At(path: string | null): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path ?? ''))
    .digest('hex');
}

let alpha: OpenProgram['node'];
let beta: OpenProgram['node'];
let gamma: OpenProgram['node'];

beforeAll(async () => {
  [alpha, beta, gamma] = await Promise.all([start('alpha'), start('beta'), start('gamma')]);
  const { code } = await alpha.control.meshInvite(
    { ...ask, body: { role: 'member', expires_s: 600, uses: 2 } },
    none(),
  );
  for (const node of [beta, gamma]) await node.control.meshJoin({ ...ask, body: { code } }, none());
  for (const node of [alpha, beta, gamma]) await give(node, '1.0.0');
  await give(alpha, '2.0.0');
  await hears(beta, '2.0.0');
}, 60_000);

afterAll(() => stack.disposeAsync());

test('only what differs moves, is verified, and is kept by both for the next one', async () => {
  const end = await pull(beta, '2.0.0', 'always');
  expect(end).toMatchObject({ event: 'completed', difference: { state: 'applied', instead_of_bytes: end.size_bytes } });
  expect(received(end)).toBe(end.difference?.total_bytes);
  expect(received(end)).toBeLessThan(end.size_bytes / 4);
  expect(await sha256At(end.path)).toBe(end.sha256);
  const [made, applied] = [alpha.parts.differences, beta.parts.differences];
  expect([made?.counts.made, applied?.counts.applied]).toEqual([1, 1]);
  expect(applied?.shelf.list().map(({ sha256 }) => sha256)).toEqual(made?.shelf.list().map(({ sha256 }) => sha256));
}, 30_000);

test('on a fast network, and for who wants none, the whole file comes', async () => {
  const plan = await pull(gamma, '2.0.0');
  expect(plan).toMatchObject({ event: 'completed' });
  expect(plan.difference).toBeUndefined();
  expect(received(plan)).toBe(plan.size_bytes);
  await forget(gamma, '2.0.0');
  const never = await pull(gamma, '2.0.0', 'never');
  expect([never.difference, received(never)]).toEqual([undefined, never.size_bytes]);
}, 30_000);

test('a node without the base between gets a chain, one difference after the other', async () => {
  await give(alpha, '3.0.0');
  await hears(beta, '3.0.0');
  expect(await pull(beta, '3.0.0', 'always')).toMatchObject({ difference: { state: 'applied' } });
  await forget(gamma, '2.0.0');
  const before = alpha.parts.differences?.counts.made;
  const end = await pull(gamma, '3.0.0', 'always');
  expect(end).toMatchObject({ event: 'completed', difference: { state: 'applied' } });
  expect(alpha.parts.differences?.counts.made).toBe(before);
  expect(await sha256At(end.path)).toBe(end.sha256);
  const links = alpha.parts.differences?.shelf.list() ?? [];
  expect(received(end)).toBe(links.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0));
}, 30_000);

test('a wrong difference costs its giver a mark, and the whole file comes by itself', async () => {
  await forget(gamma, '3.0.0');
  const junk = await giveBytes(alpha, 'acme/junk', '1.0.0', randomBytes(100_000));
  const entry = alpha.parts.library.entries().find(({ model_id }) => model_id === 'acme/junk');
  const lie = { sha256: junk, sizeBytes: entry?.size_bytes ?? 0, pieceRoot: entry?.piece_root as PieceRoot };
  alpha.content.difference = async (target, { bases: [base = target] }) => ({
    state: 'made',
    chain: [{ ...lie, base, target }],
  });
  beta.content.difference = async () => undefined;
  const end = await pull(gamma, '2.0.0', 'always');
  for (const { content } of [alpha, beta]) Reflect.deleteProperty(content, 'difference');
  expect(end).toMatchObject({ event: 'completed' });
  expect(end.difference).toBeUndefined();
  expect(received(end)).toBe(end.size_bytes + lie.sizeBytes);
  expect(gamma.parts.differences?.counts.ends()).toEqual(new Map([['wrong', 1]]));
  expect(await gamma.parts.store.stat(junk)).toBeUndefined();
  const standing = gamma.parts.feedback.standingOf(alpha.parts.mesh.nodeId);
  expect(standing.word).toMatch(/suspect|banned/);
}, 30_000);

test('nothing is made of a base that the asker may not read, nor of what is not related', async () => {
  const base = await giveBytes(alpha, 'acme/base', '1.0.0', randomBytes(20_000));
  const tuned = await giveBytes(alpha, 'acme/tuned', '1.0.0', randomBytes(20_000));
  const question = { bases: [base], madeOnly: false };
  const member = { kind: 'peer', nodeId: beta.parts.mesh.nodeId, role: 'member' };
  expect(await alpha.content.difference(tuned, question, member)).toBeUndefined();
  const manifest = { parent_model: 'acme/base' };
  await alpha.control.modelDescribe({ ...ask, body: { id: 'acme/tuned', manifest, partial: true } }, none());
  await eventually(
    nextTurn,
    () => alpha.parts.differences?.contents.list().some(({ parents }) => parents.length > 0) === true,
  );
  await alpha.control.accessSet({ ...ask, body: { model: 'acme/base', read: ['admin'] } }, none());
  expect(await alpha.content.difference(tuned, question, member)).toBeUndefined();
  const admin = { ...member, role: 'admin' };
  expect(await alpha.content.difference(tuned, question, admin)).toMatchObject({ state: 'making' });
}, 30_000);

test('the bytes of a difference are for who may read both of its ends', async () => {
  const [kept] = alpha.parts.differences?.shelf.list() ?? [];
  if (kept === undefined) throw new Error('nothing is kept');
  const member = { kind: 'peer', nodeId: beta.parts.mesh.nodeId, role: 'member' };
  await using open = await alpha.content.openHolding(kept.sha256, member);
  expect(open?.held()).toBe('all');
  await alpha.control.accessSet({ ...ask, body: { model: MODEL, read: ['admin'] } }, none());
  const refused = expect.objectContaining({ code: 'not_permitted' });
  await expect(alpha.content.openBlob(kept.sha256, member)).rejects.toEqual(refused);
  await expect(alpha.content.pieceHashes(kept.sha256, member)).rejects.toEqual(refused);
  await expect(alpha.content.openHolding(kept.sha256, member)).rejects.toEqual(refused);
  await expect(alpha.content.difference(kept.target, { bases: [kept.base], madeOnly: true }, member)).rejects.toEqual(
    refused,
  );
  await alpha.control.accessUnset({ ...ask, body: { model: MODEL } }, none());
  const path = `/v1/blobs/${kept.target}/difference?base=${kept.base}`;
  const answer = await fetch(`${alpha.parts.httpUrl()}${path}`);
  expect([answer.status, await answer.json()]).toMatchObject([200, { state: 'made', total_bytes: kept.sizeBytes }]);
}, 30_000);

test('a node that has nothing to begin from gets the whole file, and a question that is none is refused', async () => {
  await forget(gamma, '2.0.0');
  await forget(gamma, '1.0.0');
  const end = await pull(gamma, '3.0.0', 'always');
  expect([end.event, end.difference, received(end)]).toEqual(['completed', undefined, end.size_bytes]);
  const ask404 = await fetch(`${alpha.parts.httpUrl()}/v1/blobs/${end.sha256}/difference?base=${'0'.repeat(64)}`);
  const ask400 = await fetch(`${alpha.parts.httpUrl()}/v1/blobs/${end.sha256}/difference?base=v1`);
  expect([ask404.status, ask404.headers.get('problem-code'), ask400.status]).toEqual([404, 'blob_not_found', 400]);
}, 30_000);

test('the question goes by a stream of the mesh too', async () => {
  const [kept] = alpha.parts.differences?.shelf.list() ?? [];
  if (kept === undefined) throw new Error('nothing is kept');
  const { nodeId } = alpha.parts.mesh;
  const openStream = (signal: AbortSignal) => beta.parts.mesh.openStream(nodeId, BLOB_STREAM_PROTOCOL, signal);
  const blob = { sha256: kept.target, sizeBytes: 1, pieceBytes: MiB, pieceRoot: kept.target as string as PieceRoot };
  const source = new StreamPieceSource({ id: nodeId, nodeId, blob, openStream });
  const answer = await source.askDifference({ bases: [kept.base], madeOnly: true }, none());
  expect(answer).toMatchObject({ state: 'made', chain: [{ sha256: kept.sha256, sizeBytes: kept.sizeBytes }] });
  const nothing = source.askDifference({ bases: [kept.sha256], madeOnly: true }, none());
  await expect(nothing).rejects.toEqual(expect.objectContaining({ code: 'not_held' }));
}, 30_000);
