import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseManifest, parseManifestDocument, parseManifestText, shortManifest } from '../protocol/index.ts';
import { capture } from './captured-io.fixture.ts';
import { errorBody, lines, openFakeDaemon } from './fake-daemon.fixture.ts';
import { makeRow } from './samples.fixture.ts';

const MANIFEST = parseManifest({
  ...{ model_id: 'org/m', name: 'M', version: '1.10', model_type: 'vlm', format: 'gguf', size_bytes: 7 },
  ...{ sha256: 'a'.repeat(64), parent_model: 'org/base', needs: { min_vram_mb: 100 } },
});
const ANSWER = {
  ...{ contract: 1, model_id: 'org/m', version: '1.10', sha256: MANIFEST.sha256, manifest: shortManifest(MANIFEST) },
  ...{
    signer: { node_id: 'n', name: 'gpu-box' },
    withdrawn: false,
    local: true,
    may_write: true,
    own_words: ['needs'],
  },
  ...{ estimated_vram_mb: 2064, file_name: 'm.gguf', lineage: [{ ref: 'org/base', known: false }] },
};
const SHOW = 'GET /api/v1/models/manifest';
const SAY = 'POST /api/v1/models/manifest';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'manifest-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** An editor that puts this text in the file's place. */
async function editor(text: string): Promise<string> {
  await writeFile(join(folder, 'new.yaml'), text);
  return `cp ${join(folder, 'new.yaml')}`;
}

test.each(['atmosphere', 'seed1', 'seed3'] as const)('shows the manifest in %s on stdout, alone', async (format) => {
  await using daemon = await openFakeDaemon({ [SHOW]: () => ANSWER });
  const home = ['--home', daemon.home];
  const { code, stdout, stderr } = await capture([...home, 'model', 'manifest', 'org/m', '--format', format]);
  expect([code, parseManifestText(stdout).manifest]).toEqual([0, MANIFEST]);
  expect(stderr).toContain('signed by gpu-box');
  expect(stderr).toContain('2064 MiB');
  const { documents } = await capture([...home, 'model', 'manifest', 'org/m', '--format', format, '--json']);
  expect(parseManifestDocument(documents[0]).manifest).toEqual(MANIFEST);
});

test('asks for the version that was named', async () => {
  const seen: string[] = [];
  await using daemon = await openFakeDaemon({
    [SHOW]: ({ url }) => {
      seen.push(url.search);
      return ANSWER;
    },
  });
  await capture(['--home', daemon.home, 'model', 'manifest', 'org/m@>=1.2']);
  expect(seen).toEqual(['?id=org%2Fm&range=%3E%3D1.2']);
});

test('--set sends what the file says, --whole that nothing else is to be', async () => {
  const bodies: unknown[] = [];
  await using daemon = await openFakeDaemon({
    [SAY]: ({ body }) => {
      bodies.push(body);
      return ANSWER;
    },
  });
  const file = join(folder, 'm.yaml');
  await writeFile(
    file,
    `name: org/m\nversion: 1.10\ntype: router\nformat: gguf\nsize_bytes: 7\nchecksum_sha256: ${'a'.repeat(64)}\n`,
  );
  const args = ['--home', daemon.home, 'model', 'manifest', 'org/m', '--set', file];
  expect([(await capture(args)).code, (await capture([...args, '--whole'])).code]).toEqual([0, 0]);
  expect(bodies).toMatchObject([
    { id: 'org/m', partial: true, manifest: { version: '1.10', type: 'router' } },
    { id: 'org/m', partial: false },
  ]);
});

test('--set takes a file that says a part, and sends that part alone', async () => {
  const bodies: unknown[] = [];
  await using daemon = await openFakeDaemon({
    [SAY]: ({ body }) => {
      bodies.push(body);
      return ANSWER;
    },
  });
  const file = join(folder, 'part.yaml');
  await writeFile(file, 'deployment: {roles: [edge]}\n');
  const args = ['--home', daemon.home, 'model', 'manifest', 'org/m', '--set', file];
  expect((await capture(args)).code).toBe(0);
  expect(bodies).toEqual([{ id: 'org/m', partial: true, manifest: { deployment: { roles: ['edge'] } } }]);
  const { code, stderr } = await capture([...args, '--whole']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('sha256: it is missing')]);
});

test('a mistake in a file is told with its line, and the daemon is not asked', async () => {
  await using daemon = await openFakeDaemon({});
  const file = join(folder, 'm.yaml');
  await writeFile(file, 'name: m\nversion: 1\nnode_requirements:\n  min_memory_mb: 4 GB\n');
  const { code, stderr } = await capture(['--home', daemon.home, 'model', 'manifest', 'org/m', '--set', file]);
  expect(code).toBe(2);
  expect(stderr).toContain('line 4, node_requirements.min_memory_mb');
  expect(daemon.asked).toEqual([]);
});

test('--edit sends what the editor left, in whichever vocabulary', async () => {
  const bodies: { manifest?: Record<string, unknown>; partial?: boolean }[] = [];
  await using daemon = await openFakeDaemon({
    [SHOW]: () => ANSWER,
    [SAY]: ({ body }) => {
      bodies.push(body as object);
      return ANSWER;
    },
  });
  const EDITOR = 'sed -i s/min_vram_mb:.*/min_vram_mb:\\ 200/';
  const { code } = await capture(['--home', daemon.home, 'model', 'manifest', 'org/m', '--edit', '--format', 'seed3'], {
    env: { EDITOR },
  });
  expect(code).toBe(0);
  expect(bodies).toMatchObject([{ id: 'org/m', partial: false, manifest: { needs: { min_vram_mb: 200 } } }]);
});

test('--edit that changes nothing sends nothing', async () => {
  await using daemon = await openFakeDaemon({ [SHOW]: () => ANSWER });
  const { code, stderr } = await capture(['--home', daemon.home, 'model', 'manifest', 'org/m', '--edit'], {
    env: { EDITOR: 'true' },
  });
  expect([code, daemon.asked]).toEqual([0, [SHOW]]);
  expect(stderr).toContain('nothing was changed');
});

test.each([
  ['is wrong', 'name: m\nversion: [1\n', 2, {}],
  [
    'is refused by the daemon',
    `name: m\nversion: "1"\ntype: llm\nformat: gguf\nsize_bytes: 1\nchecksum_sha256: ${'b'.repeat(64)}\n`,
    4,
    {},
  ],
])('--edit keeps what was written when it %s', async (_, text, code) => {
  await using daemon = await openFakeDaemon({
    [SHOW]: () => ANSWER,
    [SAY]: () => {
      throw errorBody('integrity', 'other bytes');
    },
  });
  const result = await capture(['--home', daemon.home, 'model', 'manifest', 'org/m', '--edit'], {
    env: { EDITOR: await editor(text) },
  });
  expect(result.code).toBe(code);
  const [, path = ''] = /--whole --set (\S+)/.exec(result.stderr) ?? [];
  expect(await readFile(path, 'utf8')).toBe(text);
  await rm(join(path, '..'), { recursive: true });
});

test('an editor that fails changes nothing', async () => {
  await using daemon = await openFakeDaemon({ [SHOW]: () => ANSWER });
  const { code, stderr } = await capture(['--home', daemon.home, 'model', 'manifest', 'org/m', '--edit'], {
    env: { EDITOR: 'false' },
  });
  expect([code, daemon.asked]).toEqual([2, [SHOW]]);
  expect(stderr).toContain('it ended with 1');
  const [, path = ''] = /--set (\S+)/.exec(stderr) ?? [];
  await rm(join(path, '..'), { recursive: true });
});

test.each([
  [['--edit', '--publish'], '--edit and --publish'],
  [['--whole'], '--set'],
  [['--set', '/nowhere/m.yaml'], 'no such file'],
])('refuses %j', async (flags, text) => {
  await using daemon = await openFakeDaemon({});
  const { code, stderr } = await capture(['--home', daemon.home, 'model', 'manifest', 'org/m', ...flags]);
  expect(code).toBeGreaterThan(1);
  expect(stderr).toContain(text);
});

test('an import takes the manifest beside the file, the one that is given, or none', async () => {
  const bodies: { path?: string; manifest?: { name?: string } }[] = [];
  await using daemon = await openFakeDaemon({
    'POST /api/v1/models/import': ({ body }) => {
      bodies.push(body as object);
      return lines({ event: 'model', model: makeRow({}) }, { event: 'completed' });
    },
  });
  const yaml = (name: string, file: string) =>
    `name: ${name}\nversion: "1"\ntype: llm\nformat: gguf\nsize_bytes: 7\nchecksum_sha256: ${'a'.repeat(64)}\nfile: ${file}\n`;
  await writeFile(join(folder, 'm.gguf'), 'weights');
  await writeFile(join(folder, 'n.gguf'), 'others');
  await writeFile(join(folder, 'model-manifest.yaml'), yaml('beside', 'm.gguf'));
  await writeFile(join(folder, 'given.yaml'), yaml('given', 'x.gguf'));
  const run = (...args: string[]) => capture(['--home', daemon.home, 'model', 'import', ...args]);
  await run(join(folder, 'm.gguf'));
  await run(folder);
  await run(join(folder, 'n.gguf'));
  await run(join(folder, 'm.gguf'), '--no-manifest');
  await run(join(folder, 'm.gguf'), '--manifest', join(folder, 'given.yaml'));
  expect(bodies.map(({ path, manifest }) => [path, manifest?.name])).toEqual([
    [join(folder, 'm.gguf'), 'beside'],
    [join(folder, 'm.gguf'), 'beside'],
    [join(folder, 'n.gguf'), undefined],
    [join(folder, 'm.gguf'), undefined],
    [join(folder, 'm.gguf'), 'given'],
  ]);
});
