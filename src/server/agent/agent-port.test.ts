import { once } from 'node:events';
import { request } from 'node:http';
import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentLogger } from '../../core/index.ts';
import { type AgentPort, openAgentPort } from './agent-port.ts';
import type { AgentPull } from './ports.ts';

const LLAMA = { modelId: 'org/llama', paramsBillions: 8, quantization: 'Q4_K_M', installed: true } as const;
const BERT = { modelId: 'org/bert', paramsBillions: 0, quantization: undefined, installed: false } as const;
let agent: AgentPort;
let pull: AgentPull | undefined;

beforeAll(async () => {
  agent = await openAgentPort({
    port: 0,
    content: {
      listModels: () => [
        { ...LLAMA, source: 'ollama' },
        { ...BERT, source: 'mesh' },
      ],
      currentPull: () => pull,
    },
    logger: silentLogger,
  });
});
afterAll(() => agent[Symbol.asyncDispose]());

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

async function ask(path: string, { method = 'GET', headers = {}, body }: Ask = {}) {
  const call = request({ host: '127.0.0.1', port: agent.port, path, method, headers }).end(body);
  const [response] = await once(call, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, json: JSON.parse(text) };
}

const swap = (body: string) =>
  ask('/model/swap', { method: 'POST', headers: { 'content-type': 'application/json' }, body });

describe('the agent port', () => {
  it('lists models as agents know them', async () => {
    expect((await ask('/model/list')).json).toEqual([
      { modelId: 'org/llama', paramSize: 8, quantization: 'Q4_K_M', installed: true, active: false, source: 'ollama' },
      { modelId: 'org/bert', paramSize: 0, installed: false, active: false, source: 'mesh' },
    ]);
  });

  it('says that no model runs', async () => {
    const { json } = await ask('/model/status');
    expect(json).toEqual({ model: null, paramSize: 0, status: 'no_model', ollamaHealthy: false });
  });

  it('tells a pull that is under way, and idle otherwise', async () => {
    expect((await ask('/model/pull/progress')).json).toEqual({ status: 'idle' });
    pull = { modelId: 'org/bert', state: 'downloading', completedBytes: 1, totalBytes: 3, startedAtMs: 5 };
    const progress = {
      ...{ model: 'org/bert', status: 'downloading', progressPct: 33.3 },
      ...{ completed: 1, total: 3, startedAtMs: 5 },
    };
    expect((await ask('/model/pull/progress')).json).toEqual(progress);
    expect((await ask('/model/status')).json.pullProgress).toEqual(progress);
    pull = undefined;
  });

  it.each(['', '{}', '{"model":""}', '{"model":null}', '[]', '"x"', '{"model":7}'])(
    'refuses a swap with the body %s, which names no model',
    async (body) => expect(await swap(body)).toMatchObject({ status: 400, json: { error: 'model_required' } }),
  );

  it('refuses a swap without any body', async () => {
    expect(await ask('/model/swap', { method: 'POST' })).toMatchObject({
      status: 400,
      json: { error: 'model_required' },
    });
  });

  it('says that it has no runtime', async () => {
    expect(await swap('{"model":"org/llama"}')).toMatchObject({
      status: 501,
      json: { error: 'no_runtime', message: expect.stringContaining('no runtime') },
    });
  });

  it('refuses garbage, other media types, bodies that are too large, other paths', async () => {
    expect(await swap('{')).toMatchObject({ status: 400, json: { error: 'bad_request' } });
    const headers = { 'content-type': 'text/plain' };
    expect(await ask('/model/swap', { method: 'POST', headers, body: '{"model":"a"}' })).toMatchObject({ status: 415 });
    expect(await swap(`{"model":"${'x'.repeat(300_000)}"}`)).toMatchObject({ status: 413 });
    expect(await ask('/model')).toMatchObject({ status: 404, json: { error: 'route_not_found' } });
  });

  it('gives nothing to a page under a foreign name or of another site', async () => {
    const foreign = { host: `evil.example:${agent.port}` };
    expect(await ask('/model/list', { headers: foreign })).toMatchObject({
      status: 403,
      json: { error: 'foreign_host' },
    });
    expect(await ask('/model/list', { headers: { origin: 'http://evil.example' } })).toMatchObject({
      status: 403,
      json: { error: 'foreign_origin' },
    });
  });

  it('names the flag when its port is taken', async () => {
    const second = openAgentPort({
      port: agent.port,
      content: { listModels: () => [], currentPull: () => undefined },
      logger: silentLogger,
    });
    await expect(second).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining('--agent-port'),
    });
  });

  it('is not reachable at any other address of this machine', async () => {
    const others = Object.values(networkInterfaces()).flatMap((all) =>
      (all ?? []).filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address),
    );
    for (const host of [...others, '127.0.0.2']) {
      const call = request({ host, port: agent.port, path: '/model/list' }).end();
      await expect(once(call, 'response')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    }
  });
});
