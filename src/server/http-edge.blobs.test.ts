import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { open, truncate, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MiB, type Sha256 } from '../core/index.ts';
import {
  ask,
  askJson,
  openTcp,
  openTestEdge,
  openTls,
  readToEnd,
  selfSigned,
  type TestEdge,
  until,
} from './http-edge.fixture.ts';
import type { ServedFile } from './ports.ts';

const bytes = randomBytes(5 * MiB + 321);
let test: TestEdge;
let file: ServedFile;
let path: string;

beforeAll(async () => {
  test = await openTestEdge({ tls: await selfSigned('server') });
  [file] = (await test.content.add('org/model', { 'model.gguf': bytes })) as [ServedFile];
  await test.content.add('org/sharded', {
    'a.safetensors': Buffer.from('aaaa'),
    'deep/b.safetensors': Buffer.from('bbbb'),
  });
  await test.content.add('empty', { 'nothing.bin': Buffer.alloc(0) });
  path = `/v1/blobs/${file.sha256}`;
});
afterAll(async () => await test[Symbol.asyncDispose]());

describe('GET /v1/blobs/{sha256}', () => {
  it('sends every byte of the file', async () => {
    const { status, headers, body, complete } = await ask({ port: test.port, path });
    expect({ status, complete, length: headers['content-length'] }).toEqual({
      status: 200,
      complete: true,
      length: String(bytes.length),
    });
    expect(body.equals(bytes)).toBe(true);
    expect(headers).toMatchObject({
      etag: `"${file.sha256}"`,
      'accept-ranges': 'bytes',
      'content-type': 'application/octet-stream',
    });
    expect(headers['repr-digest']).toBe(`sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`);
  });

  it('sends every byte over TLS', async () => {
    const socket = await openTls(test.port, await selfSigned('peer'));
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    const answer = await readToEnd(socket);
    const body = Buffer.from(answer.slice(answer.indexOf('\r\n\r\n') + 4), 'latin1');
    expect(createHash('sha256').update(body).digest('hex')).toBe(file.sha256);
  });

  it('never compresses', async () => {
    const { headers } = await ask({ port: test.port, path, headers: { 'accept-encoding': 'gzip, br, zstd' } });
    expect(headers['content-encoding']).toBeUndefined();
  });

  it('answers HEAD with the same headers and no body, and without a Range', async () => {
    const get = await ask({ port: test.port, path });
    const head = await ask({ port: test.port, path, method: 'HEAD', headers: { range: 'bytes=0-9' } });
    const { date: _got, ...wanted } = get.headers;
    expect(head).toMatchObject({ status: 200, headers: wanted, body: Buffer.alloc(0) });
  });

  it('takes the digest in capitals and refuses what is not one', async () => {
    expect((await ask({ port: test.port, path: path.toUpperCase().replace('/V1/BLOBS', '/v1/blobs') })).status).toBe(
      200,
    );
    expect(await askJson({ port: test.port, path: '/v1/blobs/abc' })).toMatchObject({
      status: 400,
      json: { code: 'bad_request' },
    });
    const unknown = await askJson({ port: test.port, path: `/v1/blobs/${'1'.repeat(64)}` });
    expect(unknown).toMatchObject({
      status: 404,
      json: { code: 'blob_not_found', kind: 'not_found', error: expect.any(String) },
    });
  });

  it('sends a range, across its read buffers', async () => {
    const { status, headers, body } = await ask({ port: test.port, path, headers: { range: `bytes=100-${3 * MiB}` } });
    expect({ status, range: headers['content-range'] }).toEqual({
      status: 206,
      range: `bytes 100-${3 * MiB}/${bytes.length}`,
    });
    expect(body.equals(bytes.subarray(100, 3 * MiB + 1))).toBe(true);
  });

  it('sends the tail for a suffix and clamps an end past the file', async () => {
    const suffix = await ask({ port: test.port, path, headers: { range: 'bytes=-7' } });
    expect(suffix.body.equals(bytes.subarray(-7))).toBe(true);
    const clamped = await ask({ port: test.port, path, headers: { range: `bytes=${bytes.length - 3}-99999999999` } });
    expect(clamped.headers['content-range']).toBe(`bytes ${bytes.length - 3}-${bytes.length - 1}/${bytes.length}`);
    expect(clamped.body.equals(bytes.subarray(-3))).toBe(true);
  });

  it('ignores a range of letters and refuses one past the end', async () => {
    expect((await ask({ port: test.port, path, headers: { range: 'bytes=a-b' } })).body.length).toBe(bytes.length);
    const past = await askJson({ port: test.port, path, headers: { range: `bytes=${bytes.length}-` } });
    expect(past).toMatchObject({ status: 416, json: { code: 'range_not_satisfiable' } });
    expect(past.headers['content-range']).toBe(`bytes */${bytes.length}`);
  });

  it('sends several ranges as multipart of exactly the announced length', async () => {
    const { status, headers, body } = await ask({
      port: test.port,
      path,
      headers: { range: 'bytes=0-4,2000000-2000003,-2' },
    });
    expect(status).toBe(206);
    expect(headers['content-length']).toBe(String(body.length));
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{32})$/.exec(headers['content-type'] ?? '')?.[1];
    const parts = body.toString('latin1').split(`--${boundary}`);
    const spans = [
      [0, 5],
      [2_000_000, 2_000_004],
      [bytes.length - 2, bytes.length],
    ] as const;
    const wanted = spans.map(
      ([start, end]) =>
        `\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${start}-${end - 1}/${bytes.length}\r\n\r\n${bytes.toString('latin1', start, end)}\r\n`,
    );
    expect(parts).toEqual(['', ...wanted, '--\r\n']);
  });

  it('sends the file whole for more ranges than allowed', async () => {
    const range = `bytes=${Array.from({ length: 65 }, (_, index) => `${index * 3}-${index * 3}`).join(',')}`;
    expect(await ask({ port: test.port, path, headers: { range } })).toMatchObject({ status: 200, complete: true });
  });

  it('keeps to conditions', async () => {
    const etag = `"${file.sha256}"`;
    const cached = await ask({ port: test.port, path, headers: { 'if-none-match': etag } });
    expect(cached).toMatchObject({ status: 304, headers: { etag }, body: Buffer.alloc(0) });
    const changed = await askJson({ port: test.port, path, headers: { 'if-match': '"other"', range: 'bytes=0-1' } });
    expect(changed).toMatchObject({ status: 412, json: { code: 'precondition_failed' } });
    const resumed = await ask({ port: test.port, path, headers: { 'if-range': etag, range: 'bytes=0-1' } });
    expect(resumed.status).toBe(206);
    const dated = await ask({
      port: test.port,
      path,
      headers: { 'if-range': new Date().toUTCString(), range: 'bytes=0-1' },
    });
    expect(dated).toMatchObject({ status: 200 });
  });

  it('answers several requests on one connection', async () => {
    const socket = await openTcp(test.port);
    const request = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\nRange: bytes=0-3\r\n`;
    socket.write(`${request}\r\n${request}\r\n${request}Connection: close\r\n\r\n`);
    const answer = await readToEnd(socket);
    expect(answer.split('HTTP/1.1 206').length).toBe(4);
  });

  it('sends an empty file', async () => {
    const [, model] = [...test.content.models.values()].map(({ files }) => files[0]).reverse();
    const empty = createHash('sha256').digest('hex');
    expect(model).toBeDefined();
    expect(await ask({ port: test.port, path: `/v1/blobs/${empty}` })).toMatchObject({
      status: 200,
      headers: { 'content-length': '0' },
      complete: true,
    });
    const ranged = await ask({ port: test.port, path: `/v1/blobs/${empty}`, headers: { range: 'bytes=0-' } });
    expect(ranged).toMatchObject({ status: 416, headers: { 'content-range': 'bytes */0' } });
  });

  it('closes the file after every answer', async () => {
    await until(() => test.content.openHandles === 0);
  });
});

describe('a file that changes', () => {
  async function changing(): Promise<{ sha256: Sha256; place: string; length: number }> {
    const [row] = (await test.content.add('changing', { 'c.bin': randomBytes(64 * MiB) })) as [ServedFile];
    return { sha256: row.sha256, place: test.content.paths.get(row.sha256) ?? '', length: row.sizeBytes };
  }

  it('is 410 when it changed before the head, without naming its path', async () => {
    const { sha256, place } = await changing();
    await writeFile(place, 'other');
    const answer = await askJson({ port: test.port, path: `/v1/blobs/${sha256}` });
    expect(answer).toMatchObject({ status: 410, json: { code: 'content_gone', kind: 'integrity' } });
    expect(JSON.stringify(answer.json)).not.toContain(place);
  });

  it.each([
    ['cut short', (place: string) => truncate(place, 40 * MiB)],
    [
      'overwritten',
      async (place: string) => {
        await using handle = await open(place, 'r+');
        await handle.write('x', 60 * MiB);
      },
    ],
  ])('is never passed off as complete when it is %s while it is served', async (_how, change) => {
    const { sha256, place, length } = await changing();
    const socket = await openTcp(test.port);
    socket.write(`GET /v1/blobs/${sha256} HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\n\r\n`);
    const [first] = (await once(socket, 'data')) as [Buffer];
    socket.pause();
    await change(place);
    const rest = await readToEnd(socket);
    const got = first.length + rest.length;
    expect(got).toBeGreaterThan(0);
    expect(got).toBeLessThan(length);
    await until(() => test.content.openHandles === 0);
  });
});

describe('a client that goes away', () => {
  it('frees its file and its socket at once', async () => {
    const [row] = (await test.content.add('big', { 'b.bin': Buffer.alloc(48 * MiB) })) as [ServedFile];
    const before = readdirSync('/proc/self/fd').length;
    for (let count = 0; count < 5; count += 1) {
      const socket = await openTcp(test.port);
      socket.write(`GET /v1/blobs/${row.sha256} HTTP/1.1\r\nHost: 127.0.0.1:${test.port}\r\n\r\n`);
      await once(socket, 'readable');
      socket.destroy();
    }
    await until(() => test.content.openHandles === 0);
    await until(() => readdirSync('/proc/self/fd').length <= before);
  });
});
