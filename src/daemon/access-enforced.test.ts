/** Who may not read a model gets no byte of it, by whatever way it asks. Spec: docs/spec/20-access.md §3. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { DAEMON_DEFAULTS, type DaemonConfig } from '../api/index.ts';
import { type PieceRoot, type Sha256, silentLogger } from '../core/index.ts';
import { BLOB_STREAM_PROTOCOL } from '../protocol/index.ts';
import { eventually, nextTurn } from '../testkit/eventually.ts';
import { StreamPieceSource, type TransferError } from '../transfer/index.ts';
import { issueToken, makeTlsIdentity } from '../trust/index.ts';
import { type OpenProgram, openProgram } from './daemon.ts';
import { makeFolder, writeModel } from './tiny-model.fixture.ts';

const stack = new AsyncDisposableStack();
const SECRET = 'acme/secret';
const none = () => new AbortController().signal;
const ask = { query: {}, body: {}, params: {} };
let [office, relay, edge]: OpenProgram[] = [];
let sha256: Sha256;

async function start(name: string, more: Partial<DaemonConfig> = {}): Promise<OpenProgram> {
  const ports = { httpHost: '127.0.0.1', httpPort: 0, meshPort: 0, agentPort: 0 };
  const home = join(folder, name);
  const config = { ...DAEMON_DEFAULTS, ...ports, home, name, mdns: false, scanDefaults: false, ...more };
  const program = await openProgram(config, silentLogger);
  stack.defer(() => program.daemon.stop());
  return program;
}

const folder = stack.use(makeFolder()).path;

async function enterMesh(program: OpenProgram, role: string): Promise<void> {
  const invite = await of(office).control.meshInvite({ ...ask, body: { role, expires_s: 600, uses: 1 } }, none());
  await program.node.control.meshJoin({ ...ask, body: { code: invite.code } }, none());
}

function of(program: OpenProgram | undefined): OpenProgram['node'] {
  if (program === undefined) throw new Error('not started');
  return program.node;
}

async function setRead(roles: string[]): Promise<void> {
  await of(office).control.accessSet({ ...ask, body: { model: SECRET, read: roles } }, none());
}

beforeAll(async () => {
  relay = await start('relay', { spliceRelay: { host: '127.0.0.1', port: 0 } });
  const spliced = relay.daemon.ready.relay ?? '';
  office = await start('office', { relays: [spliced], wsRelays: [new URL(relay.daemon.ready.http).host] });
  edge = await start('edge');
  await enterMesh(relay, 'gateway');
  await enterMesh(edge, 'edge');
  const file = writeModel(join(folder, 'secret.safetensors'), randomBytes(300_000));
  const body = { path: file, name: SECRET, version: '1.0.0' };
  for await (const event of of(office).control.modelImport({ ...ask, body }, none()))
    if (event.model?.sha256 != null) sha256 = event.model.sha256 as Sha256;
  await setRead(['admin']);
  await eventually(nextTurn, () => of(edge).parts.catalog.getModel(SECRET) !== undefined);
}, 60_000);

afterAll(() => stack.disposeAsync());

/** As a member over TLS, or as a bearer of a token. */
interface Who {
  readonly as?: OpenProgram;
  readonly token?: string;
  readonly at?: { readonly host: string; readonly port: number; readonly servername: string };
}

async function get(path: string, who: Who): Promise<{ status: number; code: string }> {
  const tls = who.as === undefined ? {} : await makeTlsIdentity(who.as.node.parts.mesh.identity, Date.now());
  const headers = who.token === undefined ? {} : { authorization: `Bearer ${who.token}` };
  const at = who.at ?? { host: '127.0.0.1', port: new URL(of(office).parts.httpUrl()).port };
  return await new Promise((resolve, reject) => {
    const asked = request({ ...at, path, ...tls, headers, agent: false, rejectUnauthorized: false }, (response) => {
      response.resume();
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, code: String(response.headers['problem-code'] ?? '') });
      });
    });
    asked.once('error', reject);
    asked.end();
  });
}

const paths = (): string[] => [
  `/v1/blobs/${sha256}`,
  `/v1/blobs/${sha256}/pieces`,
  `/v1/blobs/${sha256}/have`,
  `/v1/models/download/${encodeURIComponent(SECRET)}`,
];

function tokenOf(program: OpenProgram | undefined): Promise<string> {
  const { mesh } = of(program).parts;
  const grant = { audience: mesh.meshId, subject: 'tool', scopes: ['models:read'] as const, nowMs: Date.now() };
  return issueToken(mesh.identity, grant);
}

describe('a model that admins alone may read', () => {
  test('is pulled by nobody else, who is told why and what to do, and nobody is blamed for it', async () => {
    const { control, parts } = of(edge);
    let last: unknown;
    for await (const event of control.pull({ ...ask, body: { id: SECRET } }, none())) last = event;
    expect(last).toMatchObject({ event: 'failed', code: 'not_permitted', kind: 'refused' });
    expect((last as { error: string }).error).toContain('role of this node, edge, may not read it');
    expect((last as { error: string }).error).toContain('atmosphere access set acme/secret --read');
    expect(parts.feedback.standingOf(of(office).parts.mesh.nodeId).word).not.toMatch(/suspect|banned/);
    expect((await parts.store.listParts()).map(({ heldBytes }) => heldBytes)).toEqual([0]);
  });

  test('gives no byte, piece list or word of what is held over HTTP', async () => {
    for (const path of paths()) {
      const answer = await get(path, { ...(edge && { as: edge }) });
      expect([path, answer]).toEqual([path, { status: 403, code: 'not_permitted' }]);
    }
  });

  test('a token gives no more than the role of the member who made it', async () => {
    for (const path of paths()) {
      expect(await get(path, { token: await tokenOf(edge) })).toEqual({ status: 403, code: 'not_permitted' });
      expect((await get(path, { token: await tokenOf(office) })).status).toBe(200);
    }
  });

  test('whoever has no identity learns no more than that there is none', async () => {
    expect(await get(`/v1/blobs/${sha256}`, {})).toEqual({ status: 404, code: 'blob_not_found' });
  });

  test('is refused on a stream of the mesh, bytes, list and what is held', async () => {
    const { mesh } = of(edge).parts;
    const pieceRoot = 'ab'.repeat(32) as PieceRoot;
    const blob = { sha256, sizeBytes: 300_000, pieceBytes: 1 << 20, pieceRoot, signers: [] };
    const openStream = (signal: AbortSignal) =>
      mesh.openStream(of(office).parts.mesh.nodeId, BLOB_STREAM_PROTOCOL, signal);
    const source = new StreamPieceSource({ id: 'office', blob, openStream });
    const lane = await source.openLane(none());
    const refused = await lane
      .read({ start: 0, end: 10 }, () => {}, none())
      .catch((thrown: TransferError) => thrown.code);
    lane.close();
    const noList = await source.pieceHashes?.(32, none()).catch((thrown: TransferError) => thrown.code);
    expect([refused, noList]).toEqual(['not_permitted', 'not_permitted']);
  });

  async function overWebSocket(url: string, target: string): Promise<{ type: string; code?: string }> {
    const tls = await makeTlsIdentity(of(edge).parts.mesh.identity, Date.now());
    const socket = new WebSocket(url, { ...tls, rejectUnauthorized: false });
    await once(socket, 'open');
    const about = { type: 'model_request', request_id: crypto.randomUUID(), requester_node_id: '', model_id: SECRET };
    const answered = once(socket, 'message');
    socket.send(JSON.stringify({ ...about, target_node_id: target, resume_from_byte: 0, transport: 'websocket' }));
    const [data] = (await answered) as [Buffer];
    socket.terminate();
    return JSON.parse(data.toString());
  }

  test('is refused over a WebSocket', async () => {
    const { port } = new URL(of(office).parts.httpUrl());
    expect(await overWebSocket(`wss://127.0.0.1:${port}/mesh`, '')).toMatchObject({
      type: 'model_transfer_cancel',
      code: 'not_permitted',
    });
  });

  test('a relay that may read it does not carry it to one who may not', async () => {
    await setRead(['admin', 'gateway']);
    const { port } = new URL(of(relay).parts.httpUrl());
    const target = of(office).parts.mesh.nodeId;
    await eventually(nextTurn, () =>
      of(office)
        .relaying.linkStates()
        .some(({ kind, isUp }) => kind === 'websocket' && isUp),
    );
    const answer = await overWebSocket(`wss://127.0.0.1:${port}/mesh`, target);
    expect(answer).toMatchObject({ type: 'model_transfer_cancel', code: 'not_permitted' });
    await setRead(['admin']);
  });

  test('is refused through a splice relay, where the one who asks proves itself to the one who serves', async () => {
    const splice = of(office)
      .relaying.linkStates()
      .find(({ kind }) => kind === 'splice');
    await eventually(nextTurn, () =>
      of(office)
        .relaying.linkStates()
        .every(({ isUp }) => isUp),
    );
    const way = await of(edge).relaying.dialer.open(splice?.address ?? '', of(office).parts.mesh.nodeId, none());
    expect(await get(`/v1/blobs/${sha256}`, { ...(edge && { as: edge }), at: way })).toEqual({
      status: 403,
      code: 'not_permitted',
    });
  });

  test('every refusal is in the audit log of the one who refused, with who asked and for what', async () => {
    const { entries } = await of(office).control.audit({ ...ask, query: { event: 'refusal', limit: 100 } }, none());
    expect(entries.map(({ facts }) => facts)).toContainEqual(
      expect.objectContaining({
        what: 'read',
        who: of(edge).parts.mesh.nodeId,
        role: 'edge',
        model_id: SECRET,
        sha256,
      }),
    );
    expect(await of(office).control.auditVerify(ask, none())).toMatchObject({ ok: true, problem: null });
  });

  test('is there at once for a role that an admin lets read it', async () => {
    await setRead(['admin', 'edge']);
    expect((await get(`/v1/blobs/${sha256}`, { ...(edge && { as: edge }) })).status).toBe(200);
    let last: unknown;
    for await (const event of of(edge).control.pull({ ...ask, body: { id: SECRET } }, none())) last = event;
    expect(last).toMatchObject({ event: 'completed', sha256 });
  });

  test('another node that has it keeps to the policy too', async () => {
    await setRead(['admin']);
    await eventually(nextTurn, () => of(edge).parts.access.current?.models[SECRET]?.read?.includes('edge') === false);
    const { port } = new URL(of(edge).parts.httpUrl());
    const tls = await makeTlsIdentity(of(relay).parts.mesh.identity, Date.now());
    const status = await new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path: `/v1/blobs/${sha256}`, ...tls, rejectUnauthorized: false };
      request(options, (response) => resolve(response.resume().statusCode))
        .once('error', reject)
        .end();
    });
    expect(status).toBe(403);
  });
});

test('who is no admin says no policy, and reads what holds', async () => {
  const { control } = of(edge);
  const body = { model: SECRET, read: ['edge'] };
  await expect(control.accessSet({ ...ask, body }, none())).rejects.toMatchObject({ code: 'not_permitted' });
  const shown = await control.access({ ...ask, query: { model: SECRET } }, none());
  expect(shown.models.at(-1)).toMatchObject({ model_id: SECRET, rights: { read: ['admin'] }, own: ['read'] });
  expect(shown.author_name).toBe('office');
});
