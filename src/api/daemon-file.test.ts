import { describe, expect, test } from 'vitest';
import { parseDaemonEnv } from './daemon-config.ts';
import { parseDaemonFile } from './daemon-file.ts';

const good = { pid: 7, http: 'http://127.0.0.1:14345', node_id: 'n', started_at: '2026-01-01T00:00:00Z', contract: 1 };

describe('parseDaemonFile()', () => {
  test.each(['http://127.0.0.1:14345', 'http://localhost:1', 'http://[::1]:80'])('takes %s', (http) => {
    expect(parseDaemonFile(JSON.stringify({ ...good, http, later: 'field' }))).toEqual({ ...good, http });
  });

  test.each([
    'http://192.0.2.1:14345',
    'http://127.0.0.1.example.org',
    'http://user@example.org',
    'https://127.0.0.1',
    'file:///etc/passwd',
    '',
  ])('refuses %j: a token is for loopback only', (http) => {
    expect(() => parseDaemonFile(JSON.stringify({ ...good, http }))).toThrow(
      expect.objectContaining({ code: 'bad_daemon_file' }),
    );
  });

  test.each(['', 'null', '{', '[]', JSON.stringify({ ...good, pid: 0 }), JSON.stringify({ ...good, pid: '7' })])(
    'refuses %j',
    (text) => {
      expect(() => parseDaemonFile(text)).toThrow(expect.objectContaining({ code: 'bad_daemon_file' }));
    },
  );
});

describe('parseDaemonEnv()', () => {
  test('reads what is set and counts the empty as absent', () => {
    const env = { ATMOSPHERE_HOME: '/h', ATMOSPHERE_NODE_NAME: '', MODEL_BRIDGE_HTTP_PORT: '0' };
    expect(parseDaemonEnv(env)).toEqual({ home: '/h', httpPort: 0 });
  });

  test.each(['65536', '1.5', ' 1', '1e3', '-0'])('refuses the port %j', (port) => {
    expect(() => parseDaemonEnv({ MODEL_BRIDGE_HTTP_PORT: port })).toThrow(RangeError);
  });
});
