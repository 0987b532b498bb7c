import { describe, expect, test } from 'vitest';
import { DAEMON_DEFAULTS } from '../api/index.ts';
import { adviceFor } from './advice.ts';
import { parseModelRef } from './model-ref.ts';
import { parseAddress, parseCount, parseDurationSeconds, parsePort, parseSizeBytes } from './parse-values.ts';
import { toDaemonConfig } from './up-config.ts';
import { describeVariants } from './variants.ts';

describe('parse-values', () => {
  test.each([
    ['1000', 1000],
    ['500MB', 500_000_000],
    ['1.5 TiB', 1.5 * 1024 ** 4],
    ['20g', 20_000_000_000],
  ])('parseSizeBytes(%s)', (text, bytes) => expect(parseSizeBytes(text)).toBe(bytes));

  test.each(['', '0', '-1GB', '5XB', 'GB', '1e9', '99999999999TB'])('parseSizeBytes(%j) is refused', (text) => {
    expect(() => parseSizeBytes(text)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  test.each([
    ['90', 90],
    ['15m', 900],
    ['24h', 86_400],
    ['7d', 604_800],
  ])('parseDurationSeconds(%s)', (text, seconds) => expect(parseDurationSeconds(text)).toBe(seconds));

  test.each(['', '0', '24x', '-3h'])('parseDurationSeconds(%j) is refused', (text) => {
    expect(() => parseDurationSeconds(text)).toThrow(expect.objectContaining({ code: 'bad_usage' }));
  });

  test('parseAddress() takes addresses and no names', () => {
    for (const good of ['192.168.1.7', '::', '0.0.0.0', '::1']) expect(parseAddress(good)).toBe(good);
    for (const bad of ['localhost', '', '1.2.3', '10.0.0.0/8']) expect(() => parseAddress(bad)).toThrow('IP address');
  });

  test('parsePort() takes 0 to 65535', () => {
    expect([parsePort('0'), parsePort('65535')]).toEqual([0, 65_535]);
    for (const bad of ['65536', '-1', '80a', '']) expect(() => parsePort(bad)).toThrow();
  });

  test('parseCount() takes whole numbers from 1', () => {
    expect(parseCount('20')).toBe(20);
    for (const bad of ['0', '1.5', '01', '']) expect(() => parseCount(bad)).toThrow();
  });
});

describe('parseModelRef()', () => {
  test.each([
    ['llama3', { id: 'llama3' }],
    ['org/llama3@1.2', { id: 'org/llama3', range: '1.2' }],
    ['org/llama3@>=1.2 <2', { id: 'org/llama3', range: '>=1.2 <2' }],
    ['library/llama3:8b@latest', { id: 'library/llama3:8b', range: 'latest' }],
    ['or@g/llama3', { id: 'or@g/llama3' }],
    ['or@g/llama@3@2', { id: 'or@g/llama@3', range: '2' }],
    ['SHA256:9F86D081', { id: 'sha256:9f86d081' }],
    ['org/a@sha256:9F86D081', { id: 'org/a', range: 'sha256:9f86d081' }],
  ])('reads %s', (text, ref) => expect(parseModelRef(text)).toEqual(ref));

  test.each([
    ['llama3@', 'bad_usage'],
    ['sha256:123', 'bad_usage'],
    ['sha256:9f86d081@1', 'bad_usage'],
    ['org/a@sha256:xyz', 'bad_usage'],
    ['../etc/passwd', 'unsafe_name'],
    ['a\u0000b', 'unsafe_name'],
    ['', 'unsafe_name'],
    ['con', 'unsafe_name'],
    [`a@${'1'.repeat(101)}`, 'bad_usage'],
    ['x'.repeat(4096), 'unsafe_name'],
  ])('refuses %j', (text, code) => {
    expect(() => parseModelRef(text)).toThrow(expect.objectContaining({ code, kind: 'usage' }));
  });
});

describe('toDaemonConfig()', () => {
  const surroundings = { home: '/h', cwd: '/here', env: {} };

  test('takes the defaults', () => {
    expect(toDaemonConfig({}, surroundings)).toEqual({ home: '/h', ...DAEMON_DEFAULTS });
  });

  test('puts flags before variables', () => {
    const env = { MODEL_BRIDGE_HTTP_PORT: '9', ATMOSPHERE_NODE_NAME: 'env', MODEL_BRIDGE_GOSSIP_INTERVAL: '60' };
    expect(toDaemonConfig({}, { ...surroundings, env })).toMatchObject({
      httpPort: 9,
      name: 'env',
      gossipIntervalSeconds: 60,
    });
    expect(toDaemonConfig({ port: 0, name: 'flag' }, { ...surroundings, env })).toMatchObject({
      httpPort: 0,
      name: 'flag',
    });
  });

  test('makes paths absolute', () => {
    const config = toDaemonConfig({ models: ['m', '/abs'], logFile: 'd.log' }, surroundings);
    expect(config).toMatchObject({ modelFolders: ['/here/m', '/abs'], logFile: '/here/d.log' });
  });

  test.each(['99999', 'abc', '-1'])('refuses MODEL_BRIDGE_HTTP_PORT=%s, naming it', (port) => {
    const env = { MODEL_BRIDGE_HTTP_PORT: port };
    expect(() => toDaemonConfig({}, { ...surroundings, env })).toThrow(/MODEL_BRIDGE_HTTP_PORT/);
  });

  test('counts an empty variable as absent', () => {
    const env = { MODEL_BRIDGE_HTTP_PORT: '', ATMOSPHERE_NODE_NAME: '' };
    expect(toDaemonConfig({}, { ...surroundings, env })).toEqual({ home: '/h', ...DAEMON_DEFAULTS });
  });
});

describe('adviceFor()', () => {
  test('repeats --home as it was given, quoted for a shell', () => {
    const question = { code: 'bad_answer', kind: 'internal', homeFlag: "/it's" } as const;
    expect(adviceFor(question)).toBe("atmosphere --home '/it'\\''s' down && atmosphere --home '/it'\\''s' up --detach");
  });

  test('names the model that the command was about', () => {
    const subject = 'org/a@>=1 <2';
    expect(adviceFor({ code: 'model_not_local', kind: 'not_found', subject })).toBe(
      "atmosphere model pull 'org/a@>=1 <2'",
    );
    expect(adviceFor({ code: 'invalid_range', kind: 'usage', subject })).toBe('atmosphere model info org/a --versions');
  });

  test.each([
    ['mesh_unknown', 'x.atmo', { meshId: 'mesh_a' }, /trust add mesh_a {2}#/],
    ['mesh_unknown', 'x.atmo', {}, /trust add MESH_ID {2}#/],
    ['downgrade_refused', 'x.atmo', { id: 'line' }, /rollback line {2}#/],
    ['downgrade_refused', 'x.atmo', {}, /rollback PACKAGE {2}#/],
    ['content_missing', '/media/a b.atmo', {}, /inspect '\/media\/a b\.atmo' {2}#/],
    ['previous_incomplete', undefined, { id: 'line' }, /import FILE$/],
    ['bad_archive', 'x.atmo', { id: "li'ne" }, /export 'li'\\''ne' --output/],
    ['model_not_found', 'x.atmo', { id: 'line' }, /model list --mesh$/],
  ])('of packages, %s of %s with %j, names what is known', (code, file, data, words) => {
    expect(adviceFor({ code, kind: 'refused', file, data })).toMatch(words);
  });

  test('falls back to the kind, and to nothing', () => {
    expect(adviceFor({ code: 'whatever', kind: 'not_found' })).toBe('atmosphere model list --mesh');
    expect(adviceFor({ code: 'whatever', kind: 'usage' })).toBeUndefined();
    expect(adviceFor({ code: 'not_permitted', kind: 'refused' })).toBe('atmosphere access show');
  });
});

describe('describeVariants()', () => {
  const variant = (version: string, sha256: string) => ({ model_id: 'org/a', version, sha256 });

  test('names by version, and by digest where versions are equal', () => {
    expect(
      describeVariants([variant('1', 'a'.repeat(64)), variant('2', 'b'.repeat(64)), variant('2', 'c'.repeat(64))]),
    ).toEqual(['org/a@1', 'org/a@sha256:bbbbbbbbbbbb  (version 2)', 'org/a@sha256:cccccccccccc  (version 2)']);
  });

  test('leaves out what is no variant', () => {
    expect(describeVariants([null, 3, { model_id: 'x' }])).toEqual([]);
    expect(describeVariants('nonsense')).toEqual([]);
  });
});
