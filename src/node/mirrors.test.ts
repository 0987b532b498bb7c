import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { type ModelId, silentLogger } from '../core/index.ts';
import { type HostileHttpServer, startHostileHttpServer, testBlob } from '../testkit/hostile-http-server.ts';
import { type MirroredBlob, Mirrors, mirrorUrl } from './mirrors.ts';

const { blob, ...rest } = testBlob(Buffer.from('the bytes of a model'));
const entry = { model_id: 'org/tiny:7b' as ModelId, version: '1.0' };
const mirrored: MirroredBlob = { blob, entry, path: 'weights/a b.gguf' };
const folder = mkdtempSync(join(tmpdir(), 'atmosphere-mirrors-'));
const servers: HostileHttpServer[] = [];

afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(): Promise<HostileHttpServer> {
  const server = await startHostileHttpServer({ blob, ...rest });
  servers.push(server);
  return server;
}

function tokenFile(text: string): string {
  const path = join(folder, 'tokens');
  writeFileSync(path, text);
  return path;
}

const mirrorsOf = (templates: readonly string[], tokens?: string): Mirrors =>
  new Mirrors({ templates, logger: silentLogger, ...(tokens === undefined ? {} : { tokenFile: tokenFile(tokens) }) });

async function readFrom(mirrors: Mirrors): Promise<void> {
  for (const source of mirrors.sourcesOf(mirrored)) (await source.openLane(new AbortController().signal)).close();
}

describe('mirrorUrl()', () => {
  test.each([
    ['https://m.example/{sha256}', `https://m.example/${blob.sha256}`],
    ['https://m.example/{model_id}/{file}?v={version}', 'https://m.example/org/tiny%3A7b/weights/a%20b.gguf?v=1.0'],
  ])('%s', (template, url) => {
    expect(mirrorUrl(template, mirrored)).toBe(url);
  });

  test('is nothing for a blob that has no file name, where the template wants one', () => {
    expect(mirrorUrl('https://m.example/{file}', { ...mirrored, path: undefined })).toBeUndefined();
    expect(mirrorUrl('https://m.example/{sha256}', { ...mirrored, path: undefined })).toBeDefined();
  });

  test.each(['..', '../..', '.', '%2e%2e', '?x=1', '#f', 'a\r\nX: y', '@evil.example'])(
    'a version of %j stays in its place',
    (version) => {
      const url = new URL(
        mirrorUrl('https://m.example/models/{version}/{file}', { ...mirrored, entry: { ...entry, version } }) ?? '',
      );
      expect(url.origin).toBe('https://m.example');
      expect(url.pathname).toMatch(/^\/models\/.+\/weights\/a%20b\.gguf$/);
      expect(url.search + url.hash).toBe('');
    },
  );
});

describe('Mirrors', () => {
  test.each([
    ['no URL', 'models/{sha256}'],
    ['another scheme', 'ftp://m.example/{sha256}'],
    ['a name that chooses the server', 'https://{model_id}/{sha256}'],
    ['a name that chooses the port', 'https://m.example:{version}/{sha256}'],
    ['a password', 'https://user:secret@m.example/{sha256}'],
    ['an unknown word', 'https://m.example/{digest}'],
    ['nothing of the blob', 'https://m.example/model.gguf'],
    ['a fragment', 'https://m.example/{sha256}#x'],
  ])('refuses a template with %s', (_, template) => {
    expect(() => mirrorsOf([template])).toThrow(expect.objectContaining({ code: 'bad_mirror' }));
  });

  test.each(['', '\nnot a line of two words or one\n', 'https://a.example\tx y'])(
    'reads tokens strictly: %j',
    (text) => {
      const make = () => mirrorsOf(['https://m.example/{sha256}'], text);
      if (text === '') make();
      else expect(make).toThrow(expect.objectContaining({ code: 'bad_mirror' }));
    },
  );

  test('refuses a token file that is not there, and a bare token for more than one server', () => {
    const template = 'https://m.example/{sha256}';
    const gone = { templates: [template], tokenFile: join(folder, 'gone'), logger: silentLogger };
    expect(() => new Mirrors(gone)).toThrow(expect.objectContaining({ code: 'bad_mirror' }));
    expect(() => mirrorsOf([template, 'https://n.example/{sha256}'], 'secret')).toThrow(
      expect.objectContaining({ code: 'bad_mirror' }),
    );
  });

  test('shows each server its own token, as the file has it now', async () => {
    const [one, other] = [await serve(), await serve()];
    const templates = [one, other].map(({ url }) => `${url}/{sha256}`);
    const mirrors = mirrorsOf(templates, `# comment\n${one.url} first\n`);
    await readFrom(mirrors);
    tokenFile(`${one.url}/ second\n${other.url} third\n`);
    await readFrom(mirrors);
    const shown = ({ requests }: HostileHttpServer) => requests.map(({ fields }) => fields.get('authorization'));
    expect([shown(one), shown(other)]).toEqual([
      ['Bearer first', 'Bearer second'],
      [undefined, 'Bearer third'],
    ]);
  });
});
