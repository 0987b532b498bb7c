import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askJson, openTestEdge, type TestEdge } from './http-edge.fixture.ts';
import type { ServedFile } from './ports.ts';

const bytes = randomBytes(4321);
let test: TestEdge;
let file: ServedFile;

beforeAll(async () => {
  test = await openTestEdge();
  [file] = (await test.content.add('org/model', { 'model.gguf': bytes })) as [ServedFile];
  await test.content.add('org/sharded', {
    'a.safetensors': Buffer.from('aaaa'),
    'deep/b.safetensors': Buffer.from('bbbb'),
  });
});
afterAll(async () => await test[Symbol.asyncDispose]());

describe('GET /v1/models/download/{id}', () => {
  it.each(['org/model', 'org%2Fmodel', 'org%2fmodel'])('sends the file of %s', async (id) => {
    const { status, headers, body } = await ask({
      port: test.port,
      path: `/v1/models/download/${id}`,
      headers: { range: 'bytes=0-9' },
    });
    expect(status).toBe(206);
    expect(body.equals(bytes.subarray(0, 10))).toBe(true);
    expect(headers['content-disposition']).toBe(`attachment; filename="model.gguf"; filename*=UTF-8''model.gguf`);
  });

  it('wants the file of a model of several, and says which there are', async () => {
    const which = await askJson({ port: test.port, path: '/v1/models/download/org/sharded' });
    expect(which).toMatchObject({
      status: 400,
      json: { code: 'file_required', data: { files: ['a.safetensors', 'deep/b.safetensors'] } },
    });
    const one = await ask({ port: test.port, path: '/v1/models/download/org/sharded?file=deep%2Fb.safetensors' });
    expect(one.body.toString()).toBe('bbbb');
    const none = await askJson({ port: test.port, path: '/v1/models/download/org/sharded?file=../../etc/passwd' });
    expect(none).toMatchObject({ status: 404, json: { code: 'file_not_found' } });
  });

  it.each([
    ['%2e%2e%2f%2e%2e%2fetc%2fpasswd', 400],
    ['org/..%2fmodel', 400],
    ['a%00b', 400],
    ['con', 400],
    ['x'.repeat(4096), 400],
    ['%ff', 400],
    ['%zz', 400],
    ['unknown/model', 404],
  ])('refuses the id %s', async (id, status) => {
    const answer = await askJson({ port: test.port, path: `/v1/models/download/${id}` });
    expect(answer).toMatchObject({
      status,
      json: { error: expect.any(String), kind: status === 400 ? 'usage' : 'not_found' },
    });
  });
});

describe('GET /v1/models', () => {
  it('lists cards and entries in one order', async () => {
    const { json } = await askJson({ port: test.port, path: '/v1/models' });
    expect(json.object).toBe('list');
    expect(json.data.map((card: { id: string }) => card.id)).toEqual(
      json.models.map((entry: { model_id: string }) => entry.model_id),
    );
    expect(json.data[0]).toEqual({ id: 'org/model', object: 'model', created: 1_700_000_000, owned_by: 'org' });
  });

  it('describes one model with its files', async () => {
    const { json } = await askJson({ port: test.port, path: '/v1/models/org/sharded' });
    expect(json).toMatchObject({ id: 'org/sharded', model_id: 'org/sharded', object: 'model' });
    expect(json.files.map((row: { path: string }) => row.path)).toEqual(['a.safetensors', 'deep/b.safetensors']);
    expect(await askJson({ port: test.port, path: '/v1/models/nobody/has-this' })).toMatchObject({
      status: 404,
      json: { code: 'model_not_found' },
    });
    expect(await askJson({ port: test.port, path: '/v1/models/org/model?version=9' })).toMatchObject({ status: 404 });
  });

  it('sends piece hashes as bytes', async () => {
    const pieces = await ask({ port: test.port, path: `/v1/blobs/${file.sha256}/pieces` });
    expect(pieces).toMatchObject({
      status: 200,
      headers: { 'content-type': 'application/octet-stream', 'content-length': '32' },
    });
    expect(await ask({ port: test.port, path: `/v1/blobs/${'2'.repeat(64)}/pieces` })).toMatchObject({ status: 404 });
  });

  it('answers other methods 405 with what is allowed', async () => {
    const answer = await askJson({ port: test.port, path: `/v1/blobs/${file.sha256}`, method: 'DELETE' });
    expect(answer).toMatchObject({
      status: 405,
      headers: { allow: 'GET, HEAD' },
      json: { code: 'method_not_allowed' },
    });
  });
});
