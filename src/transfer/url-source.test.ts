import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, test } from 'vitest';
import { MiB } from '../core/index.ts';
import * as hostile from '../testkit/hostile-http-server.ts';
import { isPublicAddress } from './public-address.ts';
import { EVERY_BEHAVIOUR, type PeerBehaviour, type SourceHarness, testPieceSource } from './source.conformance.ts';
import { UrlPieceSource, type UrlPieceSourceOptions } from './url-source.ts';

const blob = hostile.testBlob(randomBytes(3 * MiB + 5));
const never = (): AbortSignal => new AbortController().signal;
const servers: hostile.HostileHttpServer[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function serve(behaviour?: hostile.Behaviour, tls?: object): Promise<hostile.HostileHttpServer> {
  const server = await hostile.startHostileHttpServer(blob, {
    ...(behaviour === undefined ? {} : { behaviour }),
    ...(tls === undefined ? {} : { tls }),
  });
  servers.push(server);
  return server;
}

const sourceAt = (url: string, more: Partial<UrlPieceSourceOptions> = {}): UrlPieceSource =>
  new UrlPieceSource({ id: 'mirror', url, blob: blob.blob, ...more });

async function readAll(source: UrlPieceSource, start = 0, end = blob.content.length): Promise<Buffer> {
  const lane = await source.openLane(never());
  const chunks: Buffer[] = [];
  try {
    await lane.read({ start, end }, (bytes) => void chunks.push(Buffer.from(bytes)), never());
  } finally {
    lane.close();
  }
  return Buffer.concat(chunks);
}

const redirectTo =
  (to: string | (() => string), status = 302): hostile.Behaviour =>
  (request, socket) =>
    hostile.answering(status, `Location: ${typeof to === 'string' ? to : to()}\r\n`)(request, socket, blob);

const BEHAVIOURS: Readonly<Record<PeerBehaviour, hostile.Behaviour>> = {
  honest: hostile.honest,
  short: hostile.wrongLength,
  long: hostile.longBody,
  wrong_range: hostile.otherRange,
  wrong_size: (request, socket, content) => {
    const head = hostile.rangeHead(request, content);
    socket.write(head.replace(/\/\d+\r/, `/${content.content.length + 1}\r`));
    socket.write(content.content.subarray(request.start, request.end));
  },
  refuses: hostile.answering(403),
  absent: hostile.answering(404),
  busy: hostile.answering(429, 'Retry-After: 2\r\n'),
  dies: hostile.shortBody,
  silent: (request, socket, content) =>
    (request.count === 0 ? hostile.honest : hostile.nothing)(request, socket, content),
};

const harness: SourceHarness = {
  can: EVERY_BEHAVIOUR,
  async serve(served, behaviour) {
    const server = await hostile.startHostileHttpServer(served, { behaviour: BEHAVIOURS[behaviour] });
    return {
      source: new UrlPieceSource({ id: 'mirror', url: `${server.url}/model.gguf`, blob: served.blob }),
      openConnections: () => server.openSockets.size,
      close: () => server.close(),
    };
  },
};

describe('a plain URL as a piece source', () => testPieceSource(harness));

describe('UrlPieceSource', () => {
  it('is asked last, and has no piece list', () => {
    const source = sourceAt('http://127.0.0.1:1/x');
    expect([source.tier, 'pieceHashes' in source]).toEqual([2, false]);
  });

  it.each(['ftp://a/b', 'http://user:secret@127.0.0.1/x', 'nonsense'])('refuses the URL %s', (url) => {
    expect(() => sourceAt(url)).toThrow(expect.objectContaining({ code: 'refused' }));
  });

  it('follows redirects, and shows the token to the configured server only', async () => {
    const last = await serve();
    const middle = await serve(redirectTo(`${last.url}/cdn/signature`, 307));
    const first = await serve(redirectTo(`${middle.url}/next`));
    const source = sourceAt(`${first.url}/model`, { authorization: () => 'Bearer secret' });
    expect((await readAll(source)).equals(blob.content)).toBe(true);
    const shown = [first, middle, last].map(({ requests }) =>
      requests.map(({ fields }) => fields.get('authorization')),
    );
    expect(shown).toEqual([['Bearer secret'], [undefined], [undefined, undefined]]);
    expect(last.requests.at(-1)?.path).toBe('/cdn/signature');
  });

  it('does not show the token again after a redirect that leads back', async () => {
    const away = await serve(redirectTo(() => `${home.url}/back`));
    const home = await serve((request, socket) =>
      (request.count === 0 ? redirectTo(`${away.url}/x`) : hostile.honest)(request, socket, blob),
    );
    await readAll(sourceAt(home.url, { authorization: () => 'Bearer secret' }));
    expect(home.requests.map(({ fields }) => fields.get('authorization'))).toEqual([
      'Bearer secret',
      undefined,
      undefined,
    ]);
  });

  it('follows at most five redirects', async () => {
    const server = await serve(redirectTo(() => `${server.url}/again`));
    await expect(readAll(sourceAt(server.url))).rejects.toMatchObject({ code: 'bad_response' });
    expect(server.requests).toHaveLength(6);
  });

  it.each(['', 'file:///etc/passwd', 'http://user:secret@127.0.0.1/', 'http://[::1'])(
    'does not follow a redirect to %j',
    async (location) => {
      const server = await serve(redirectTo(location));
      await expect(readAll(sourceAt(server.url))).rejects.toMatchObject({
        code: location === '' ? 'bad_response' : 'refused',
      });
    },
  );

  it('does not let a public server send it into a network that is not', async () => {
    const inside = await serve();
    const outside = await serve(redirectTo(() => inside.url.replace('127.0.0.1', '127.0.0.2')));
    const isPublic = (address: string): boolean => address === '127.0.0.1';
    await expect(readAll(sourceAt(outside.url, { isPublic }))).rejects.toMatchObject({ code: 'refused' });
    const lookUp = async (): Promise<string[]> => ['127.0.0.1', '10.0.0.1'];
    outside.behave(redirectTo(`http://rebinding.example:${new URL(inside.url).port}/`));
    await expect(readAll(sourceAt(outside.url, { isPublic, lookUp }))).rejects.toMatchObject({ code: 'refused' });
    expect(inside.openSockets.size + inside.requests.length).toBe(0);
  });

  it('takes a server with an address inside and one outside for one outside', async () => {
    const inside = await serve();
    const outside = await serve(redirectTo(() => inside.url.replace('127.0.0.1', '127.0.0.2')));
    const isPublic = (address: string): boolean => address === '127.0.0.1';
    const lookUp = async (): Promise<string[]> => ['127.0.0.1', '10.0.0.1'];
    const named = outside.url.replace('127.0.0.1', 'both.example');
    await expect(readAll(sourceAt(named, { isPublic, lookUp }))).rejects.toMatchObject({ code: 'refused' });
    expect(inside.openSockets.size + inside.requests.length).toBe(0);
  });

  it('goes where it is sent inside the network of a URL that is in one', async () => {
    const inside = await serve();
    const first = await serve(redirectTo(inside.url));
    expect((await readAll(sourceAt(first.url))).equals(blob.content)).toBe(true);
  });

  it('asks again for the way when a signed link has run out', async () => {
    let links = 0;
    const last = await serve((request, socket, content) => {
      const isOld = request.path !== `/cdn/link-${links}` || (links === 1 && request.count > 0);
      (isOld ? hostile.answering(403) : hostile.honest)(request, socket, content);
    });
    const first = await serve((request, socket) => {
      links += 1;
      redirectTo(`${last.url}/cdn/link-${links}`)(request, socket, blob);
    });
    expect((await readAll(sourceAt(first.url))).equals(blob.content)).toBe(true);
    expect(links).toBe(2);
  });

  it('takes the whole file from a server without ranges, when the whole is wanted', async () => {
    const small = hostile.testBlob(randomBytes(70_000));
    await using server = await hostile.startHostileHttpServer(small, { behaviour: hostile.wholeBlob });
    const source = new UrlPieceSource({ id: 'mirror', url: server.url, blob: small.blob });
    const lane = await source.openLane(never());
    const parts: Buffer[] = [];
    await lane.read({ start: 0, end: 70_000 }, (bytes) => void parts.push(Buffer.from(bytes)), never());
    expect(Buffer.concat(parts).equals(small.content)).toBe(true);
    await expect(lane.read({ start: 0, end: 10 }, () => {}, never())).rejects.toMatchObject({ code: 'bad_response' });
    lane.close();
  });

  it('refuses a server without ranges for a blob of more than one piece, before anything is asked of it', async () => {
    const server = await serve(hostile.wholeBlob);
    const opening = sourceAt(server.url).openLane(never());
    await expect(opening).rejects.toMatchObject({
      code: 'bad_response',
      message: expect.stringContaining('must know byte ranges'),
    });
    expect(server.requests).toHaveLength(1);
  });

  it('never appends a whole file that comes instead of a range', async () => {
    const server = await serve((request, socket, content) =>
      (request.count === 0 ? hostile.honest : hostile.wholeBlob)(request, socket, content),
    );
    await expect(readAll(sourceAt(server.url), MiB, 2 * MiB)).rejects.toMatchObject({ code: 'bad_response' });
  });

  it('notices a file that was changed meanwhile', async () => {
    const server = await serve((request, socket, content) => {
      const head = hostile.rangeHead(request, content).replace(/ETag: "[^"]*"/, `ETag: "${request.count}"`);
      socket.write(head);
      socket.write(content.content.subarray(request.start, request.end));
    });
    await expect(readAll(sourceAt(server.url))).rejects.toMatchObject({ code: 'bad_response' });
    expect(server.requests[1]?.fields.get('if-range')).toBe('"0"');
  });

  it.each(['-', 'Bearer a\r\nX: y', 'ä'])('sends no token of the form %j that no field may have', async (token) => {
    const server = await serve();
    const reading = readAll(sourceAt(server.url, { authorization: () => token }));
    if (token === '-') await reading;
    else await expect(reading).rejects.toMatchObject({ code: 'refused' });
  });

  it('sends no token where others could read it', async () => {
    const lookUp = async (): Promise<string[]> => ['192.0.2.1'];
    const source = sourceAt('http://mirror.example/x', { lookUp, authorization: () => 'Bearer secret' });
    const failure = await source.openLane(never()).catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'refused' });
    expect(String(failure)).not.toContain('secret');
  });
});

describe('UrlPieceSource over https', () => {
  const folder = mkdtempSync(join(tmpdir(), 'atmosphere-web-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=mirror.example', '-addext', 'subjectAltName=DNS:mirror.example'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...kind, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const lookUp = async (): Promise<string[]> => ['127.0.0.1'];
  const at = ({ url }: hostile.HostileHttpServer, host: string): string => url.replace('127.0.0.1', host);

  it('reads from a server whose certificate has its name', async () => {
    const server = await serve(undefined, tls);
    const source = sourceAt(at(server, 'mirror.example'), { lookUp, ca: tls.cert, authorization: () => 'Bearer x' });
    expect((await readAll(source)).equals(blob.content)).toBe(true);
    expect(server.requests[0]?.fields.get('authorization')).toBe('Bearer x');
  });

  it.each([
    ['another name', 'other.example', tls.cert],
    ['an authority that nobody knows', 'mirror.example', undefined],
  ])('sends nothing to a server with %s', async (_, host, ca) => {
    const server = await serve(undefined, tls);
    const source = sourceAt(at(server, host), { lookUp, ...(ca === undefined ? {} : { ca }) });
    await expect(source.openLane(never())).rejects.toMatchObject({ code: 'peer_not_trusted' });
    expect(server.requests).toEqual([]);
  });

  it('does not go from https to http', async () => {
    const plain = await serve();
    const server = await serve(redirectTo(plain.url), tls);
    const source = sourceAt(at(server, 'mirror.example'), { lookUp, ca: tls.cert });
    await expect(readAll(source)).rejects.toMatchObject({ code: 'refused' });
    expect(plain.requests).toEqual([]);
  });
});

test.each([
  ['1.1.1.1', true],
  ['2606:4700::1111', true],
  ['127.0.0.1', false],
  ['10.1.2.3', false],
  ['172.31.0.1', false],
  ['192.168.1.1', false],
  ['169.254.169.254', false],
  ['100.64.0.1', false],
  ['0.0.0.0', false],
  ['224.0.0.1', false],
  ['::1', false],
  ['::', false],
  ['::ffff:10.0.0.1', false],
  ['64:ff9b::a00:1', false],
  ['fe80::1%eth0', false],
  ['fd00::1', false],
  ['localhost', false],
])('isPublicAddress(%s) is %s', (address, isPublic) => {
  expect(isPublicAddress(address)).toBe(isPublic);
});
