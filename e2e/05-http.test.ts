/** Journey 5: what other tools see of a running node over HTTP, with curl, raw sockets and tokens. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BRIDGE_ROUTES, CONTROL_ROUTES } from '../src/api/index.ts';
import { PieceHasher, pieceLayout } from '../src/content/index.ts';
import { MB } from '../src/core/index.ts';
import { writeGgufFile, writeShardedSafetensors } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { issueToken, openIdentity } from '../src/trust/index.ts';
import { curl, curlJson, lanAddress, parseMultipart, rawRequest } from './http.ts';
import { sha256Of } from './journeys.ts';

const SIZE = 6 * MB;
let network: DevNetwork;
let node: DevNode;
let other: DevNode;
let open: DevNode;
let gguf: string;
let bytes: Buffer;
let sha256: string;
let base: string;
let lan: string;
let openLan: string;

beforeAll(async () => {
  network = await DevNetwork.open();
  [node, other, open] = [network.node('node'), network.node('other'), network.node('open', { flags: ['--open-lan'] })];
  await Promise.all([node.up(), other.up(), open.up()]);
  gguf = join(network.folder, 'tiny.gguf');
  await writeGgufFile(gguf, { sizeBytes: SIZE, seed: 5 });
  const set = join(network.folder, 'bert');
  await mkdir(set);
  await writeShardedSafetensors(set, { shards: 2, sizeBytes: MB, seed: 6 });
  await node.json('model', 'import', gguf, '--name', 'acme/tiny');
  await node.json('model', 'import', set, '--name', 'acme/bert');
  await open.json('model', 'import', gguf, '--name', 'acme/tiny');
  [bytes, sha256] = [await readFile(gguf), await sha256Of(gguf)];
  base = node.ready.http;
  lan = `http://${lanAddress()}:${new URL(base).port}`;
  openLan = `http://${lanAddress()}:${new URL(open.ready.http).port}`;
});
afterAll(() => network.close());

const download = (...args: string[]) => curl(`${base}/v1/models/download/acme/tiny`, ...args);
const range = (value: string, ...args: string[]) => download('-H', `Range: bytes=${value}`, ...args);

test('5.1 health, and models as OpenAI clients and as the mesh know them', async () => {
  const health = await curlJson(`${base}/health`);
  expect(health.json).toEqual({ status: 'ok', models_available: 2, http_port: Number(new URL(base).port) });
  const { json } = await curlJson<{ object: string; data: unknown[]; models: unknown[] }>(`${base}/v1/models`);
  expect(json).toMatchObject({
    object: 'list',
    data: expect.arrayContaining([expect.objectContaining({ id: 'acme/tiny', object: 'model', owned_by: 'acme' })]),
    models: expect.arrayContaining([expect.objectContaining({ model_id: 'acme/tiny', sha256, size_bytes: SIZE })]),
  });
});

test.each(['acme/tiny', 'acme%2Ftiny', 'acme%2ftiny'])('5.2 one model as %s', async (id) => {
  const { status, json } = await curlJson(`${base}/v1/models/${id}`);
  expect([status, json.id, json.sha256]).toEqual([200, 'acme/tiny', sha256]);
  const { body } = await curl(`${base}/v1/models/download/${id}`);
  expect(body.equals(bytes)).toBe(true);
});

test('5.3 the whole file, and its head alone', async () => {
  const whole = await download();
  expect(whole.body.equals(bytes)).toBe(true);
  expect(whole.headers).toMatchObject({
    'content-length': String(SIZE),
    'accept-ranges': 'bytes',
    etag: `"${sha256}"`,
    'repr-digest': `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`,
    'content-disposition': expect.stringContaining('tiny.gguf'),
  });
  const head = await download('--head');
  expect([head.status, head.headers['content-length'], head.headers.etag, head.body.length]).toEqual([
    200,
    String(SIZE),
    `"${sha256}"`,
    0,
  ]);
});

test.each([
  ['0-0', 0, 1],
  ['100-199', 100, 200],
  [`${SIZE - 10}-`, SIZE - 10, SIZE],
  ['-7', SIZE - 7, SIZE],
  [`-${SIZE * 2}`, 0, SIZE],
  [`5-${SIZE * 9}`, 5, SIZE],
])('5.4 the range %s', async (value, from, to) => {
  const { status, headers, body } = await range(value);
  expect([status, headers['content-range']]).toEqual([206, `bytes ${from}-${to - 1}/${SIZE}`]);
  expect(body.equals(bytes.subarray(from, to))).toBe(true);
});

test('5.5 several ranges in one answer', async () => {
  const answer = await range('0-9,1000-1999,-5');
  expect([answer.status, Number(answer.headers['content-length'])]).toEqual([206, answer.body.length]);
  const parts = parseMultipart(answer);
  expect(parts.map((part) => part.range)).toEqual([
    `bytes 0-9/${SIZE}`,
    `bytes 1000-1999/${SIZE}`,
    `bytes ${SIZE - 5}-${SIZE - 1}/${SIZE}`,
  ]);
  const sent = Buffer.concat(parts.map((part) => part.bytes));
  expect(sent.equals(Buffer.concat([bytes.subarray(0, 10), bytes.subarray(1000, 2000), bytes.subarray(-5)]))).toBe(
    true,
  );
});

test('5.6 a range outside the file is 416 with the size', async () => {
  const { status, headers } = await range(`${SIZE}-`);
  expect([status, headers['content-range']]).toEqual([416, `bytes */${SIZE}`]);
});

test('5.7 preconditions go by the digest', async () => {
  const tag = `"${sha256}"`;
  expect((await download('-H', `If-None-Match: ${tag}`)).status).toBe(304);
  expect((await download('-H', 'If-Match: "other"')).status).toBe(412);
  expect((await download('-H', `If-Match: ${tag}`)).status).toBe(200);
  expect((await range('0-9', '-H', `If-Range: ${tag}`)).status).toBe(206);
  expect((await range('0-9', '-H', 'If-Range: "other"')).status).toBe(200);
  expect((await range('0-9', '-H', 'If-Range: Fri, 20 Nov 2026 10:00:00 GMT')).status).toBe(200);
});

test('5.8 a model of several files is asked for by file', async () => {
  const url = `${base}/v1/models/download/acme/bert`;
  const { status, json } = await curlJson<{ code: string; data: { files: string[] } }>(url);
  expect([status, json.code]).toEqual([400, 'file_required']);
  expect(json.data.files).toContain('config.json');
  for (const file of json.data.files) {
    const { body } = await curl(`${url}?file=${encodeURIComponent(file)}`);
    expect(body.equals(await readFile(join(network.folder, 'bert', file)))).toBe(true);
  }
  expect((await curl(`${url}?file=../../../etc/passwd`)).status).toBe(404);
});

test('5.9 piece hashes are those of the pieces', async () => {
  const { status, body } = await curl(`${base}/v1/blobs/${sha256}/pieces`);
  const { pieceBytes, pieceCount } = pieceLayout(SIZE);
  const hashes = Array.from({ length: pieceCount }, (_, index) =>
    new PieceHasher().update(bytes.subarray(index * pieceBytes, (index + 1) * pieceBytes)).digest(),
  );
  expect([status, body.equals(Buffer.concat(hashes))]).toEqual([200, true]);
});

test('5.10 the API page is OpenAPI 3.1, has every route, and loads nothing from elsewhere', async () => {
  const { json } = await curlJson<OpenApi>(`${base}/openapi.json`);
  expect(flawsOf(json)).toEqual([]);
  for (const route of [...Object.values(BRIDGE_ROUTES), ...Object.values(CONTROL_ROUTES)]) {
    const path = route.path.replace(/:(\w+)/g, '{$1}').replace(/\*$/, '{id}');
    const method = 'method' in route ? route.method.toLowerCase() : 'get';
    expect(json.paths[path], `${method} ${path}`).toHaveProperty(method);
  }
  const page = await curl(`${base}/docs/`, '-L');
  expect(page.status).toBe(200);
  expect(page.headers['content-security-policy']).toContain("default-src 'self'");
  const assets = [...page.body.toString().matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1] ?? '');
  expect(assets.length).toBeGreaterThan(2);
  for (const asset of assets) {
    const url = new URL(asset, `${base}/docs/`);
    expect(url.origin).toBe(base);
    expect((await curl(url.href)).status).toBe(200);
  }
});

test('5.11 metrics count what was asked', async () => {
  const { status, body } = await curl(`${base}/metrics`);
  expect(status).toBe(200);
  expect(body.toString()).toMatch(/atmosphere_http_requests_total\{[^}]*status="206"[^}]*\} \d/);
  expect(body.toString()).not.toContain('acme/tiny');
});

test('5.12 a page whose name was re-pointed at this machine gets nothing', async () => {
  const foreign = ['-H', `Host: evil.example:${new URL(base).port}`];
  for (const path of ['/v1/models', '/v1/models/acme/tiny', `/v1/blobs/${sha256}`, '/metrics', '/api/v1/status'])
    expect(await curlJson(`${base}${path}`, ...foreign)).toMatchObject({ status: 403, json: { code: 'foreign_host' } });
});

test('5.13 the control API wants the local token, and no page of another site', async () => {
  const url = `${base}/api/v1/status`;
  expect(await curlJson(url)).toMatchObject({ status: 403, json: { code: 'local_token_wrong' } });
  const token = (await readFile(join(node.home, 'run', 'token'), 'utf8')).trim();
  const bearer = ['-H', `Authorization: Bearer ${token}`];
  expect((await curl(url, ...bearer)).status).toBe(200);
  expect(await curlJson(url, ...bearer, '-H', 'Origin: http://evil.example')).toMatchObject({
    status: 403,
    json: { code: 'foreign_origin' },
  });
  const far = `${lan}/api/v1/status`;
  expect(await curlJson(far, ...bearer)).toMatchObject({ status: 401 });
  expect(await curlJson(far)).toMatchObject({ status: 403, json: { code: 'owner_not_local' } });
  expect((await curl(`${base}/api/v1/shutdown`, '-X', 'POST')).status).toBe(403);
});

test('5.14 from another address nothing of a private model shows', async () => {
  expect((await curl(`${lan}/health`)).status).toBe(200);
  expect(await curlJson(`${lan}/v1/models`)).toMatchObject({ status: 403, json: { code: 'stranger_refused' } });
  const absent = await curlJson(`${lan}/v1/models/acme/absent`);
  const hidden = await curlJson(`${lan}/v1/models/acme/tiny`);
  expect([absent.status, hidden.status, hidden.json.code]).toEqual([404, 404, absent.json.code]);
  for (const path of [`/v1/blobs/${sha256}`, `/v1/blobs/${sha256}/pieces`, '/v1/models/download/acme/tiny'])
    expect((await curl(`${lan}${path}`)).status).toBe(404);
});

test('5.15 a model that its owner opened is there for everybody, and gone when closed', async () => {
  await node.json('model', 'share', '--public', 'acme/tiny');
  const { status, body } = await curl(`${lan}/v1/models/download/acme/tiny`);
  expect([status, body.equals(bytes)]).toEqual([200, true]);
  expect((await curl(`${lan}/v1/blobs/${sha256}`)).status).toBe(200);
  expect((await curl(`${lan}/v1/models/acme/bert`)).status).toBe(404);
  await node.json('model', 'share', '--private', 'acme/tiny');
  expect((await curl(`${lan}/v1/models/download/acme/tiny`)).status).toBe(404);
});

test('5.16 a token lets a tool read until it expires, and at its audience only', async () => {
  const { token } = await node.json<{ token: string }>('mesh', 'token', '--ttl', '1m');
  const withToken = (text: string) => ['-H', `Authorization: Bearer ${text}`];
  expect((await curl(`${lan}/v1/models`, ...withToken(token))).status).toBe(200);
  const { body } = await curl(`${lan}/v1/models/download/acme/tiny`, ...withToken(token));
  expect(body.equals(bytes)).toBe(true);
  const foreign = await node.json<{ token: string }>('mesh', 'token', '--audience', other.ready.node_id);
  const strangers = await other.json<{ token: string }>('mesh', 'token');
  for (const refused of [foreign.token, strangers.token, await expiredToken(), `${token}x`, 'x'])
    expect(await curlJson(`${lan}/v1/models`, ...withToken(refused))).toMatchObject({
      status: 401,
      json: { code: 'token_refused' },
    });
});

test('5.17 an audience that is neither node nor mesh is a mistake of whoever asks', async () => {
  const { code, stderr } = await node.run('mesh', 'token', '--audience', 'everybody');
  expect(code).toBe(2);
  expect(stderr).toContain('everybody');
});

test('5.18 --open-lan lists and serves every model to everybody', async () => {
  const { status, json } = await curlJson<{ data: { id: string }[] }>(`${openLan}/v1/models`);
  expect([status, json.data.map((card) => card.id)]).toEqual([200, ['acme/tiny']]);
  const { body } = await curl(`${openLan}/v1/models/download/acme/tiny`);
  expect(body.equals(bytes)).toBe(true);
  expect(await curlJson(`${openLan}/api/v1/status`)).toMatchObject({ status: 403, json: { code: 'owner_not_local' } });
});

test('5.19 what is not HTTP, or too much of it, is answered and closed', async () => {
  const port = Number(new URL(base).port);
  const host = `Host: 127.0.0.1:${port}`;
  expect(await rawRequest(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  expect(await rawRequest(port, `GET / HTTP/1.1\r\n${host}\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`)).toMatch(/ 431 /);
  const smuggled = `POST /api/v1/shutdown HTTP/1.1\r\n${host}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`;
  expect(await rawRequest(port, smuggled)).toMatch(/^HTTP\/1\.1 400 /);
  const up = `GET /v1/models/../../etc/passwd HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`;
  expect(await rawRequest(port, up)).toMatch(/^HTTP\/1\.1 (400|404) /);
  expect((await curl(`${base}/health`)).status).toBe(200);
});

test('5.20 the agent port answers on loopback only', async () => {
  const { agent } = node.ready;
  expect((await curlJson<object[]>(`${agent}/model/list`)).json).toContainEqual(
    expect.objectContaining({ modelId: 'acme/tiny', quantization: 'Q8_0', installed: true, active: false }),
  );
  expect((await curlJson(`${agent}/model/status`)).json).toMatchObject({ model: null, status: 'no_model' });
  expect((await curlJson(`${agent}/model/pull/progress`)).json).toEqual({ status: 'idle' });
  const swap = (body: string) =>
    curlJson(`${agent}/model/swap`, '-H', 'Content-Type: application/json', '--data', body);
  expect(await swap('{}')).toMatchObject({ status: 400, json: { error: 'model_required' } });
  expect(await swap('{"model":"acme/tiny"}')).toMatchObject({ status: 501, json: { error: 'no_runtime' } });
  await expect(curl(`http://${lanAddress()}:${new URL(agent).port}/model/list`)).rejects.toThrow('ended with 7');
});

test('5.21 an agent port that is taken is told with its flag', async () => {
  const port = new URL(node.ready.agent).port;
  const flags = ['--port', '0', '--mesh-port', '0', '--no-mdns', '--no-scan-defaults'];
  const { code, stderr } = await network.node('late').run('up', ...flags, '--agent-port', port);
  expect(code).toBe(6);
  expect(stderr).toContain(port);
  expect(stderr).toContain('--agent-port');
});

test('5.22 a node that listens on one address still answers its owner, and can be stopped', async () => {
  const fixed = network.node('fixed', { flags: ['--host', lanAddress()] });
  await fixed.up();
  expect(await fixed.json('status')).toMatchObject({ name: 'fixed' });
  const port = new URL(fixed.ready.http).port;
  expect((await curl(`http://${lanAddress()}:${port}/health`)).status).toBe(200);
  expect((await fixed.run('down')).code).toBe(0);
  const named = await fixed.run('up', '--host', 'localhost');
  expect([named.code, named.stderr]).toEqual([2, expect.stringContaining('IP address')]);
});

/** Signed with the node's own key, an hour ago, for a minute. */
async function expiredToken(): Promise<string> {
  const nowMs = Date.now() - 3_600_000;
  const identity = openIdentity(node.home, { nodeName: node.name, nowMs });
  const grant = { subject: 'tool', scopes: ['models:read'] as const, lifeSeconds: 60, nowMs };
  return issueToken(identity, { ...grant, audience: identity.nodeId });
}

interface OpenApi {
  readonly openapi: string;
  readonly info: { readonly title: string; readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
  readonly operationId: string;
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema?: object }[];
  readonly responses: Readonly<Record<string, { readonly description?: string }>>;
}

/** What makes a document no OpenAPI 3.1: of its root, its operations, and its references. */
function flawsOf(document: OpenApi): string[] {
  const flaws = /^3\.1\.\d+$/.test(document.openapi) && document.info.title && document.info.version ? [] : ['root'];
  const ids = new Set<string>();
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(item)) {
      if (ids.has(operation.operationId)) flaws.push(`${operation.operationId} twice`);
      ids.add(operation.operationId);
      flaws.push(...operationFlaws(path, operation).map((flaw) => `${method} ${path}: ${flaw}`));
    }
  }
  for (const [, pointer = ''] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g))
    if (resolve(document, pointer) === undefined) flaws.push(`#/${pointer} leads nowhere`);
  return flaws;
}

function operationFlaws(path: string, { parameters = [], responses }: Operation): string[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();
  const declared = parameters.filter((one) => one.in === 'path' && one.required === true).map((one) => one.name);
  return [
    ...(JSON.stringify(inPath) === JSON.stringify(declared.sort()) ? [] : ['path parameters']),
    ...(parameters.every((one) => one.schema !== undefined && /^(path|query|header)$/.test(one.in))
      ? []
      : ['parameter']),
    ...(Object.values(responses).every((one) => '$ref' in one || one.description) ? [] : ['response']),
    ...(Object.keys(responses).every((status) => /^([1-5]\d\d|default)$/.test(status)) ? [] : ['status']),
  ];
}

function resolve(document: object, pointer: string): unknown {
  return pointer.split('/').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
}
