import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MB } from '../../core/index.ts';
import { eventually } from '../../testkit/eventually.ts';
import { runChild } from './run-child.ts';

const module = new URL('../testing/fault-child.ts', import.meta.url);
const allowance = { timeMs: 20_000, memoryBytes: 400 * MB };

const run = (fault: string) =>
  runChild({ module, task: { package: fault }, allowance, action: 'Trying' }, new AbortController().signal);

describe.runIf(process.platform === 'linux')('runChild()', () => {
  it('hands nothing down: few variables, no handle but pipes, the lowest priority', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'handles-'));
    await using _file = await open(join(folder, 'secret'), 'w');
    process.env.ATMOSPHERE_TEST_SECRET = 'hidden';
    process.env.CUDA_VISIBLE_DEVICES = '0';
    const seen = JSON.parse((await run('show')).line);
    expect(seen).toMatchObject({ priority: 19, memoryScore: '1000\n' });
    expect(seen.environment).toMatchObject({ CUDA_VISIBLE_DEVICES: '0' });
    expect(Object.keys(seen.environment)).not.toContain('ATMOSPHERE_TEST_SECRET');
    expect(Object.keys(seen.environment)).not.toContain('PATH');
    expect(seen.handles.join('\n')).not.toContain('secret');
    const piped = seen.handles.filter((handle: string) => /^[012] /.test(handle));
    expect(piped).toHaveLength(3);
    delete process.env.ATMOSPHERE_TEST_SECRET;
    delete process.env.CUDA_VISIBLE_DEVICES;
    await rm(folder, { recursive: true });
  });

  it('ends what its process has started, too', async () => {
    const { pid } = JSON.parse((await run('family')).line);
    await eventually(
      async () => isThere(pid),
      (there) => !there,
    );
  });

  it('does not wait for one that has left its group and holds its pipes', async () => {
    const failing = run('escape');
    await expect(failing).rejects.toMatchObject({ code: 'probe_crashed' });
    const message = await failing.catch((thrown: Error) => thrown.message);
    process.kill(Number(/escaped (\d+)/.exec(String(message))?.[1]), 'SIGKILL');
  });

  it('says when there is no such program', async () => {
    const work = { module: new URL('./not-here.ts', import.meta.url), task: {}, allowance, action: 'Trying' };
    const failing = runChild(work, new AbortController().signal);
    await expect(failing).rejects.toMatchObject({
      code: 'probe_crashed',
      message: expect.stringContaining('ended with 1'),
    });
  });
});

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
