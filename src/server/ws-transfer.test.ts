import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientOptions, type RawData, WebSocket } from 'ws';
import { MiB, type NodeId } from '../core/index.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { GOOD_TOKEN, openTestEdge, PEER_ID, selfSigned, type TestEdge, until } from './http-edge.fixture.ts';
import { SERVER_LIMITS } from './limits.ts';
import type { ServedFile } from './ports.ts';

const OWN_ID = '12D3KooWServerOfTheTestsServerOfTheTestsServerOfTes2' as NodeId;
const bytes = randomBytes(3 * MiB + 77);
const CHUNK = 65_536;
let test: TestEdge;
let file: ServedFile;

beforeAll(async () => {
  test = await openTestEdge({ tls: await selfSigned('server'), nodeId: OWN_ID });
  [file] = (await test.content.add('org/model', { 'model.gguf': bytes })) as [ServedFile];
  await test.content.add('open', { 'open.gguf': Buffer.from('for everybody') }, true);
  await test.content.add('empty', { 'nothing.bin': Buffer.alloc(0) });
  await test.content.add('sharded', { 'a.bin': Buffer.from('aaaa'), 'b.bin': Buffer.from('bbbb') });
});
afterAll(async () => await test[Symbol.asyncDispose]());

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of a message, it asserts
type Json = any;

/** A client that knows the public messages and nothing of ours. */
class PlainClient implements AsyncDisposable {
  readonly socket: WebSocket;
  readonly #arrived: (Json | Buffer)[] = [];
  #wake: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on('message', (data: RawData, isBinary) => {
      this.#arrived.push(isBinary ? data : JSON.parse(String(data)));
      this.#wake();
    });
    socket.on('close', () => this.#wake());
    socket.on('error', () => {});
  }

  static async open(port: number, options: ClientOptions = {}, scheme = 'ws'): Promise<PlainClient> {
    const socket = new WebSocket(`${scheme}://127.0.0.1:${port}/mesh`, { rejectUnauthorized: false, ...options });
    const client = new PlainClient(socket);
    await once(socket, 'open');
    return client;
  }

  async next(): Promise<Json> {
    while (this.#arrived.length === 0) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('closed');
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#arrived.shift();
  }

  get waiting(): number {
    return this.#arrived.length;
  }

  say(message: object | string | Buffer): void {
    this.socket.send(typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message));
  }

  request(modelId: string, more: object = {}): string {
    const request_id = randomUUID();
    const ids = { requester_node_id: 'plain', target_node_id: OWN_ID, model_id: modelId };
    this.say({ type: 'model_request', request_id, ...ids, resume_from_byte: 0, transport: 'websocket', ...more });
    return request_id;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.socket.readyState === WebSocket.CLOSED) return;
    this.socket.terminate();
    await once(this.socket, 'close');
  }
}

/** Receives as the public messages say: an acknowledgement for each chunk. Index → bytes. */
async function receive(client: PlainClient, request_id: string, count: number): Promise<Map<number, Buffer>> {
  const chunks = new Map<number, Buffer>();
  while (chunks.size < count) {
    const chunk = await client.next();
    expect(chunk).toMatchObject({ type: 'model_transfer_chunk', request_id });
    const decoded = Buffer.from(chunk.chunk_bytes, 'base64');
    expect(createHash('sha256').update(decoded).digest('hex')).toBe(chunk.chunk_sha256);
    chunks.set(chunk.chunk_index, decoded);
    client.say({ type: 'model_transfer_chunk_ack', request_id, chunk_index: chunk.chunk_index, status: 'received' });
  }
  return chunks;
}

function refusalOf(port: number, options: ClientOptions, path = '/mesh', scheme = 'ws'): Promise<number> {
  const socket = new WebSocket(`${scheme}://127.0.0.1:${port}${path}`, { rejectUnauthorized: false, ...options });
  return new Promise((resolve, reject) => {
    socket.on('unexpected-response', (request, response) => {
      resolve(response.statusCode ?? 0);
      request.destroy();
    });
    socket.on('open', () => reject(new Error('was let in')));
    socket.on('error', () => {});
  });
}

describe('a client that knows the public messages only', () => {
  it('gets a model, chunk by chunk, and its open file is closed afterwards', async () => {
    await using client = await PlainClient.open(test.port);
    const request_id = client.request('org/model');
    const total_chunks = Math.ceil(bytes.length / CHUNK);
    expect(await client.next()).toMatchObject({
      ...{ type: 'model_transfer_start', request_id, model_id: 'org/model', sha256: file.sha256 },
      ...{ total_bytes: bytes.length, total_chunks, chunk_size: CHUNK, transfer_method: 'websocket_chunked' },
      metadata: { name: 'org/model', type: 'llm', format: 'gguf' },
    });
    const chunks = await receive(client, request_id, total_chunks);
    const whole = Buffer.concat([...chunks.keys()].sort((a, b) => a - b).map((index) => chunks.get(index) as Buffer));
    expect(whole.equals(bytes)).toBe(true);
    const digests = { sha256_computed: file.sha256, sha256_expected: file.sha256, verification_status: 'verified' };
    const about = { type: 'model_transfer_complete', request_id, model_id: 'org/model' };
    client.say({ ...about, total_bytes_received: bytes.length, ...digests });
    await until(() => test.content.openHandles === 0);
  });

  it('gets two chunks, and the third with the first acknowledgement', async () => {
    await using client = await PlainClient.open(test.port);
    const request_id = client.request('org/model');
    await client.next();
    const [first, second] = [await client.next(), await client.next()];
    expect([first.chunk_index, second.chunk_index]).toEqual([0, 1]);
    client.request('nothing');
    expect(await client.next()).toMatchObject({ type: 'model_transfer_cancel' });
    client.say({ type: 'model_transfer_chunk_ack', request_id, chunk_index: 0, status: 'received' });
    expect(await client.next()).toMatchObject({ chunk_index: 2 });
  });

  it('goes on from a byte, without what its bitmap has', async () => {
    await using client = await PlainClient.open(test.port);
    // Chunks 0…15: the bitmap has 4, 5 and 7.
    const resume_bitmap = Buffer.from([0b0000_1101, 0]).toString('base64');
    const request_id = client.request('org/model', { resume_from_byte: 3 * CHUNK + 1, resume_bitmap });
    expect(await client.next()).toMatchObject({ resume_from_byte: 3 * CHUNK + 1 });
    const total = Math.ceil(bytes.length / CHUNK);
    const chunks = await receive(client, request_id, total - 6);
    expect([...chunks.keys()].sort((a, b) => a - b).slice(0, 4)).toEqual([3, 6, 8, 9]);
    expect(chunks.get(6)?.equals(bytes.subarray(6 * CHUNK, 7 * CHUNK))).toBe(true);
  });

  it('gets the start of an empty model and nothing else', async () => {
    await using client = await PlainClient.open(test.port);
    client.request('empty');
    expect(await client.next()).toMatchObject({ total_bytes: 0, total_chunks: 0 });
    client.request('nothing');
    expect(await client.next()).toMatchObject({ type: 'model_transfer_cancel', code: 'model_not_found' });
  });

  it('cancels one of two transfers, and the other goes on', async () => {
    await using client = await PlainClient.open(test.port);
    const [one, two] = [client.request('org/model'), client.request('open')];
    const cancel = { type: 'model_transfer_cancel', request_id: one, model_id: 'org/model', message: '' };
    client.say({ ...cancel, reason: 'user_cancelled', cancelled_by: 'plain' });
    for (let message = await client.next(); ; message = await client.next())
      if (message.type === 'model_transfer_chunk' && message.request_id === two) break;
    client.say({ type: 'model_transfer_chunk_ack', request_id: two, chunk_index: 0, status: 'received' });
    await until(() => test.content.openHandles === 0);
  });

  it('is told what is wrong with its request', async () => {
    await using client = await PlainClient.open(test.port);
    client.request('sharded');
    expect(await client.next()).toMatchObject({ reason: 'network_error', code: 'file_required' });
    client.request('org/model', { target_node_id: 'somebody else' });
    expect(await client.next()).toMatchObject({ code: 'target_absent' });
    client.request('anything', { sha256: '12'.repeat(32) });
    expect(await client.next()).toMatchObject({ code: 'blob_not_found' });
    const request_id = client.request('org/model');
    client.request('open', { request_id });
    for (let message = await client.next(); message.code !== 'bad_request'; message = await client.next());
  });
});

describe('the binary form', () => {
  it('carries a range in frames of 256 KiB, acknowledged by offset', async () => {
    await using client = await PlainClient.open(test.port);
    const request_id = client.request('org/model', { forms: ['binary'], resume_from_byte: MiB, end_byte: 2 * MiB });
    expect(await client.next()).toMatchObject({ form: 'binary', chunk_size: 262_144, end_byte: 2 * MiB });
    for (let offset = MiB; offset < 2 * MiB; offset += 262_144) {
      const frame = (await client.next()) as Buffer;
      expect([frame[0], frame.toString('hex', 1, 17)]).toEqual([1, request_id.replaceAll('-', '')]);
      expect(Number(frame.readBigUInt64BE(17))).toBe(offset);
      expect(frame.subarray(25).equals(bytes.subarray(offset, offset + 262_144))).toBe(true);
      const ack = Buffer.from(frame.subarray(0, 25));
      ack[0] = 2;
      ack.writeBigUInt64BE(BigInt(offset + 262_144), 17);
      client.say(ack);
    }
    await until(() => test.content.openHandles === 0);
  });

  it('is not used for an id that is no UUID', async () => {
    await using client = await PlainClient.open(test.port);
    client.request('org/model', { forms: ['binary'], request_id: 'seven' });
    expect(await client.next()).toMatchObject({ form: 'json', chunk_size: 65_536 });
  });

  it('gives the piece list too', async () => {
    await using client = await PlainClient.open(test.port);
    client.request('org/model', { sha256: file.sha256, content: 'pieces', forms: ['binary'] });
    expect(await client.next()).toMatchObject({ total_bytes: 32 });
    expect(((await client.next()) as Buffer).subarray(25)).toHaveLength(32);
  });
});

describe('who may open a WebSocket', () => {
  it('a peer by its certificate, and a stranger for public models only', async () => {
    await using peer = await PlainClient.open(test.port, { ...(await selfSigned('peer')) }, 'wss');
    peer.request('org/model');
    expect(await peer.next()).toMatchObject({ type: 'model_transfer_start' });
    await using stranger = await PlainClient.open(test.port, {}, 'wss');
    stranger.request('org/model');
    expect(await stranger.next()).toMatchObject({ code: 'model_not_found' });
    stranger.request('org/model', { sha256: file.sha256 });
    expect(await stranger.next()).toMatchObject({ code: 'blob_not_found' });
    stranger.request('open');
    expect(await stranger.next()).toMatchObject({ type: 'model_transfer_start' });
    expect(PEER_ID).not.toBe(OWN_ID);
  });

  it('a bearer of a good token, not of another', async () => {
    const headers = { authorization: `Bearer ${GOOD_TOKEN}` };
    await using client = await PlainClient.open(test.port, { headers }, 'wss');
    client.request('org/model');
    expect(await client.next()).toMatchObject({ type: 'model_transfer_start' });
    expect(await refusalOf(test.port, { headers: { authorization: 'Bearer other' } }, '/mesh', 'wss')).toBe(401);
  });

  it('no page of another site, no re-pointed name, and nowhere else', async () => {
    expect(await refusalOf(test.port, { headers: { origin: 'http://evil.example' } })).toBe(403);
    expect(await refusalOf(test.port, { headers: { host: 'evil.example' } })).toBe(403);
    expect(await refusalOf(test.port, {}, '/v1/models')).toBe(403);
    expect(await refusalOf(test.port, {}, '//')).toBe(403);
    await using own = await PlainClient.open(test.port, { headers: { origin: `http://127.0.0.1:${test.port}` } });
    own.request('open');
    expect(await own.next()).toMatchObject({ type: 'model_transfer_start' });
  });

  it('compression is not negotiated', async () => {
    await using client = await PlainClient.open(test.port, { perMessageDeflate: true });
    expect(client.socket.extensions).toBe('');
  });
});

describe('hostile clients', () => {
  it.each([
    ['text that is not JSON', '{'],
    ['a message with wrong fields', JSON.stringify({ type: 'model_request', request_id: 'x', model_id: '../../x' })],
    ['a frame of another kind', Buffer.alloc(25, 7)],
    ['an empty frame', Buffer.alloc(0)],
  ])('%s closes the socket with 1007', async (_name, message) => {
    await using client = await PlainClient.open(test.port);
    client.say(message);
    const [code] = await once(client.socket, 'close');
    expect(code).toBe(1007);
  });

  it('a message over the limit closes it with 1009, however it is cut in fragments', async () => {
    await using client = await PlainClient.open(test.port);
    for (let fragment = 0; fragment < 5; fragment += 1) client.socket.send(Buffer.alloc(64 * 1024), { fin: false });
    const [code] = await once(client.socket, 'close');
    expect(code).toBe(1009);
  });

  it('a compressed message closes it: nobody negotiated that', async () => {
    await using client = await PlainClient.open(test.port);
    // FIN, RSV1, text; masked, 1 byte.
    (client.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
      Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0]),
    );
    const [code] = await once(client.socket, 'close');
    expect(code).toBe(1002);
  });

  it('1,000 requests on one socket: sixteen run, the others are refused', async () => {
    await using client = await PlainClient.open(test.port);
    for (let count = 0; count < 1000; count += 1) client.request('org/model');
    const types = { model_transfer_start: 0, model_transfer_cancel: 0, model_transfer_chunk: 0 };
    while (types.model_transfer_start + types.model_transfer_cancel < 1000) {
      const { type, code } = await client.next();
      types[type as keyof typeof types] += 1;
      if (type === 'model_transfer_cancel') expect(code).toBe('too_many_streams');
    }
    expect(types.model_transfer_start).toBe(SERVER_LIMITS.wsRequests);
    expect(test.content.openHandles).toBe(SERVER_LIMITS.wsRequests);
    client.socket.terminate();
    await until(() => test.content.openHandles === 0);
  });

  it('acknowledgements of what was never sent, and of unknown requests, move nothing', async () => {
    await using client = await PlainClient.open(test.port);
    const request_id = client.request('org/model');
    for (const chunk_index of [5, 40, 2 ** 39])
      client.say({ type: 'model_transfer_chunk_ack', request_id, chunk_index, status: 'received' });
    client.say({ type: 'model_transfer_chunk_ack', request_id: 'other', chunk_index: 0, status: 'received' });
    client.say({ type: 'a message of tomorrow', request_id });
    client.request('nothing');
    const seen: string[] = [];
    while (!seen.includes('model_transfer_cancel')) seen.push((await client.next()).type);
    expect(seen.filter((type) => type === 'model_transfer_chunk').length).toBeLessThanOrEqual(2);
  });

  it('who never acknowledges gets each chunk four times and then a cancel, on the clock', async () => {
    const clock = new VirtualClock();
    await using edge = await openTestEdge({ clock });
    await edge.content.add('org/model', { 'model.gguf': bytes });
    await using client = await PlainClient.open(edge.port);
    client.request('org/model');
    await client.next();
    const seen = [await client.next(), await client.next()].map(({ chunk_index }) => chunk_index);
    for (let round = 0; round < 3; round += 1) {
      await clock.advance(30_000);
      seen.push((await client.next()).chunk_index, (await client.next()).chunk_index);
    }
    expect(seen).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    await clock.advance(30_000);
    expect(await client.next()).toMatchObject({ type: 'model_transfer_cancel', reason: 'timeout' });
    await until(() => edge.content.openHandles === 0);
    expect(edge.content.bytesRead).toBe(8 * CHUNK);
  });

  it('who acknowledges unseen but never reads makes nothing pile up, and is cut in the end', async () => {
    const clock = new VirtualClock();
    await using edge = await openTestEdge({ clock });
    await edge.content.add('org/model', { 'model.gguf': Buffer.concat(Array<Buffer>(16).fill(bytes)) });
    await using client = await PlainClient.open(edge.port);
    const request_id = client.request('org/model', { forms: ['binary'] });
    await client.next();
    client.socket.pause();
    for (let chunk_index = 0; chunk_index < 1000; chunk_index += 1)
      client.say({ type: 'model_transfer_chunk_ack', request_id, chunk_index, status: 'received' });
    let before = -1;
    // Until the system's buffers are full and the edge reads nothing more.
    while (before !== edge.content.bytesRead) {
      before = edge.content.bytesRead;
      for (let turn = 0; turn < 200; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    }
    expect(edge.content.bytesRead).toBeLessThan(16 * bytes.length);
    // What had only paused for a moment goes on, and begins its time anew.
    for (let round = 0; edge.content.openHandles > 0 && round < 100; round += 1) {
      await clock.advance(30_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until(() => edge.content.openHandles === 0);
  });

  it('a socket without a transfer is closed after a while, one that pings is not', async () => {
    const clock = new VirtualClock();
    await using edge = await openTestEdge({ clock });
    await using idle = await PlainClient.open(edge.port);
    await using lively = await PlainClient.open(edge.port);
    await clock.advance(40_000);
    lively.socket.ping();
    await once(lively.socket, 'pong');
    await clock.advance(20_000);
    await once(idle.socket, 'close');
    expect(lively.socket.readyState).toBe(WebSocket.OPEN);
  });
});

it('closing the edge tells the clients and leaves nothing open', async () => {
  const edge = await openTestEdge();
  await edge.content.add('org/model', { 'model.gguf': bytes });
  await using client = await PlainClient.open(edge.port);
  client.request('org/model');
  await client.next();
  const closed = once(client.socket, 'close');
  await edge[Symbol.asyncDispose]();
  const [code] = await closed;
  expect(code).toBe(1001);
  expect(edge.content.openHandles).toBe(0);
});
