import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, type RequestOptions, request as sendRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { type HaveFrame, HaveFrameDecoder, PROTOCOL_LIMITS } from '../protocol/index.ts';
import { PartContent, PIECE } from './have/part-content.fixture.ts';
import {
  ask,
  askJson,
  openTestEdge,
  openTls,
  readToEnd,
  selfSigned,
  type TestEdge,
  until,
} from './http-edge.fixture.ts';
import type { HttpEdgeOptions } from './http-edge.ts';

const bytes = randomBytes(9 * PIECE + 17);
let folder: string;
let content: PartContent;
let edge: TestEdge;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atmosphere-have-'));
  content = new PartContent(folder, bytes);
  await open();
});
afterEach(async () => {
  await edge[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function open(options: Partial<HttpEdgeOptions> = {}): Promise<void> {
  edge = await openTestEdge({ content, ...options });
}

const at = (path = '', headers: RequestOptions['headers'] = {}): RequestOptions => ({
  port: edge.port,
  path: `/v1/blobs/${content.sha256}${path}`,
  headers,
});

interface Stream {
  readonly response: IncomingMessage;
  readonly frames: HaveFrame[];
  /** Resolves when so many frames have come. */
  got(count: number): Promise<void>;
  leave(): void;
}

async function followed(path = '/have?follow=1'): Promise<Stream> {
  const request = sendRequest({ host: '127.0.0.1', agent: false, ...at(path) });
  request.on('error', () => {}).end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const decoder = new HaveFrameDecoder(10);
  const frames: HaveFrame[] = [];
  response.on('error', () => {}).on('data', (chunk: Buffer) => void frames.push(...decoder.push(chunk)));
  return { response, frames, got: (count) => until(() => frames.length >= count), leave: () => request.destroy() };
}

const holds = (...held: number[]): HaveFrame => {
  const bits = new Uint8Array(2);
  for (const index of held) bits[index >> 3] = (bits[index >> 3] ?? 0) | (0x80 >> (index & 7));
  return { type: 'holds', bits };
};

describe('the bytes of a part', () => {
  it('a range inside held pieces is 206 with the tag of the whole', async () => {
    content.commit(2, 3);
    const answer = await ask(
      at('', { range: `bytes=${2 * PIECE + 1}-${4 * PIECE - 1}`, 'if-match': `"${content.sha256}"` }),
    );
    expect([answer.status, answer.headers.etag]).toEqual([206, `"${content.sha256}"`]);
    expect(answer.headers['content-range']).toBe(`bytes ${2 * PIECE + 1}-${4 * PIECE - 1}/${bytes.length}`);
    expect(answer.body.equals(bytes.subarray(2 * PIECE + 1, 4 * PIECE))).toBe(true);
  });

  test.each([
    ['a range before it', 'bytes=0-10'],
    ['one byte too many', `bytes=${2 * PIECE}-${4 * PIECE}`],
    ['the end of the blob', 'bytes=-5'],
    ['an open end', `bytes=${2 * PIECE}-`],
    ['two ranges of which one is not there', `bytes=${2 * PIECE}-${2 * PIECE + 5},0-5`],
  ])('%s is 416 not_held_yet, and says no more', async (_what, range) => {
    content.commit(2, 3);
    const { status, json, headers } = await askJson(at('', { range }));
    expect([status, json.code, json.retry, headers['problem-code']]).toEqual([
      416,
      'not_held_yet',
      true,
      'not_held_yet',
    ]);
    expect(headers['content-range']).toBeUndefined();
  });

  test.each<[string, RequestOptions]>([
    ['a HEAD', { method: 'HEAD' }],
    ['a GET without a range', {}],
    ['a GET with a range that does not count', { headers: { range: 'bytes=2000-2010', 'if-range': '"other"' } }],
    ['a GET with a range that is none', { headers: { range: 'lines=1-2' } }],
  ])('%s is 404, even when every piece is here: a part never looks like the whole', async (_what, options) => {
    content.commit(...Array(10).keys());
    const answer = await ask({ ...at(), ...options });
    expect([answer.status, answer.headers['problem-code']]).toEqual([404, 'blob_not_found']);
  });
});

describe('GET /have', () => {
  it('answers the state of now with its length', async () => {
    content.commit(0, 9);
    const answer = await ask(at('/have'));
    expect([answer.status, answer.headers['content-length']]).toEqual([200, '7']);
    expect([...new HaveFrameDecoder(10).push(answer.body)]).toEqual([holds(0, 9)]);
    content.become('all');
    expect((await ask(at('/have'))).body).toEqual(Buffer.of(1, 0, 0, 0, 0));
  });

  it('is 404 for what is not here, another root, and for those who may not know', async () => {
    expect((await ask(at(`/have?root=${content.pieceRoot}`))).status).toBe(200);
    const nothing = { ...at(), path: `/v1/blobs/${'ef'.repeat(32)}/have` };
    for (const options of [at(`/have?root=${'cd'.repeat(32)}`), nothing]) {
      const answer = await ask(options);
      expect([answer.status, answer.headers['problem-code']]).toEqual([404, 'blob_not_found']);
    }
    await edge[Symbol.asyncDispose]();
    await open({ tls: await selfSigned('server') });
    const stranger = await openTls(edge.port);
    stranger.write(`GET ${at('/have').path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(await readToEnd(stranger)).toMatch(/^HTTP\/1.1 404 /);
    expect(content.openHoldings).toBe(0);
  });

  it('refuses queries that are none', async () => {
    for (const query of ['?follow=yes', '?root=abc'])
      expect(await askJson(at(`/have${query}`))).toMatchObject({ status: 400, json: { code: 'bad_request' } });
    expect((await ask({ ...at('/have'), method: 'POST' })).status).toBe(405);
  });
});

describe('GET /have?follow=1', () => {
  it('tells the state, then what changes, neither chunked nor with a length', async () => {
    content.commit(4);
    const stream = await followed();
    await stream.got(2);
    const { headers } = stream.response;
    expect([headers['transfer-encoding'], headers['content-length'], headers.connection]).toEqual([
      undefined,
      undefined,
      'close',
    ]);
    content.commit(5, 6);
    await stream.got(3);
    await ask(at('', { range: `bytes=${4 * PIECE}-${6 * PIECE - 1}` }));
    await stream.got(4);
    const second = await followed();
    await stream.got(5);
    await second.got(3);
    content.become('all');
    await stream.got(6);
    expect(stream.frames).toEqual([
      holds(4),
      { type: 'others', count: 0 },
      { type: 'gained', indexes: [5, 6] },
      { type: 'sent', indexes: [4, 5] },
      { type: 'others', count: 1 },
      { type: 'holds_all' },
    ]);
    expect(second.frames.slice(0, 3)).toEqual([
      holds(4, 5, 6),
      { type: 'sent', indexes: [4, 5] },
      { type: 'others', count: 1 },
    ]);
    second.leave();
    await stream.got(7);
    expect(stream.frames[6]).toEqual({ type: 'others', count: 0 });
    stream.leave();
    await until(() => content.openHoldings === 0);
  });

  it('puts changes of a moment together', async () => {
    const stream = await followed();
    await stream.got(2);
    for (let index = 0; index < 10; index += 1) content.commit(index);
    await stream.got(3);
    expect(stream.frames[2]).toEqual({ type: 'gained', indexes: [...Array(10).keys()] });
    stream.leave();
  });

  it('gives a sign of life when there is nothing else to say', async () => {
    const stream = await followed();
    await stream.got(2);
    const startedMs = performance.now();
    await stream.got(3);
    expect(stream.frames[2]).toEqual({ type: 'alive' });
    expect(performance.now() - startedMs).toBeLessThan(2 * PROTOCOL_LIMITS.haveKeepAliveMs);
    stream.leave();
  });

  it('ends when the blob is here no more, and at once when the edge closes', async () => {
    const [one, two] = [await followed(), await followed()];
    await Promise.all([one.got(2), two.got(2)]);
    const ended = once(one.response, 'end');
    content.become(undefined);
    await ended;
    content.become(new Uint8Array(2));
    const three = await followed();
    await three.got(2);
    const closed = once(three.response, 'end');
    const startedMs = performance.now();
    await edge.edge.close();
    await closed;
    expect(performance.now() - startedMs).toBeLessThan(3000);
    expect(content.openHoldings).toBe(0);
  });

  it('refuses one follower too many', async () => {
    await edge[Symbol.asyncDispose]();
    await open({ limits: { followersPerBlob: 1 } });
    const stream = await followed();
    await stream.got(2);
    const { status, json, headers } = await askJson(at('/have?follow=1'));
    expect([status, json.code, headers['retry-after']]).toEqual([429, 'too_many_streams', '5']);
    expect((await ask(at('/have'))).status).toBe(200);
    stream.leave();
  });

  it('a peer over TLS follows; whoever is no member of a public blob gets the state alone', async () => {
    await edge[Symbol.asyncDispose]();
    content.isPublicBlob = async () => true;
    await open({ tls: await selfSigned('server') });
    const peer = await openTls(edge.port, await selfSigned('peer'));
    peer.write(`GET ${at('/have?follow=1').path} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const [head] = (await once(peer, 'data')) as [Buffer];
    expect(head.toString('latin1')).toMatch(/^HTTP\/1.1 200 /);
    expect(head.toString('latin1')).not.toMatch(/content-length/i);
    peer.destroy();
    const stranger = await openTls(edge.port);
    stranger.write(`GET ${at('/have?follow=1').path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(await readToEnd(stranger)).toMatch(/content-length: 7/i);
  });
});
