/** What every runtime probe must do. Spec: docs/spec/17-deployment.md §5. */
import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ModelId } from '../core/index.ts';
import type { ModelManifest } from '../protocol/index.ts';
import type { ProbeRequest, ProbeResult, RuntimeProbe } from './ports.ts';

export interface ProbeHarness {
  readonly probe: RuntimeProbe;
  readonly format: ModelManifest['format'];
  readonly outcome: ProbeResult['outcome'];
  /** Writes a good model's file. */
  writeModel(path: string): Promise<unknown>;
}

export function requestFor(
  path: string,
  given: Partial<ProbeRequest['manifest']> & Pick<ModelManifest, 'format'>,
): ProbeRequest {
  return {
    manifest: { model_id: 'acme/model' as ModelId, version: '1.0.0', config: {}, metadata: {}, ...given },
    path,
  };
}

export function testRuntimeProbe(name: string, { probe, format, outcome, writeModel }: ProbeHarness): void {
  describe(`${name} is a runtime probe`, () => {
    let folder: string;
    const never = new AbortController().signal;
    const request = (file: string) => requestFor(join(folder, file), { format });

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'probe-'));
      await writeModel(join(folder, 'good'));
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    it('knows its format', async () => {
      expect(await probe.canProbe(format)).toBe(true);
    });

    it(`says ${outcome} of a good model, again and again, also two at once`, async () => {
      const results = await Promise.all([probe.probe(request('good'), never), probe.probe(request('good'), never)]);
      for (const result of [...results, await probe.probe(request('good'), never)]) {
        expect(result).toMatchObject({ outcome, runtime: expect.stringContaining(probe.name) });
        expect(result.durationMs).toBeGreaterThan(0);
      }
    });

    it.each([
      ['a file that is not there', async () => {}],
      ['an empty file', (path: string) => writeFile(path, '')],
      ['a file of something else', (path: string) => writeFile(path, 'It was a dark and stormy night. '.repeat(100))],
      ['the begin of a good one', (path: string) => writeModel(path).then(() => truncate(path, 90))],
    ])('refuses %s with probe_failed and the name of the model', async (what, write) => {
      await write(join(folder, what));
      const failing = probe.probe(request(what), never);
      await expect(failing).rejects.toMatchObject({
        code: 'probe_failed',
        message: expect.stringContaining('acme/model'),
      });
      // It is told to other nodes: where files lie here is not their business.
      await expect(failing).rejects.toMatchObject({ message: expect.not.stringContaining(folder) });
    });

    it('ends with cancelled when the signal comes, before it or at once', async () => {
      await expect(probe.probe(request('good'), AbortSignal.abort())).rejects.toMatchObject({ code: 'cancelled' });
    });
  });
}
