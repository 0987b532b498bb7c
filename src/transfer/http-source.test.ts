import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MiB } from '../core/index.ts';
import * as hostile from '../testkit/hostile-http-server.ts';
import { MemoryPieceSink } from '../testkit/memory-piece-sink.ts';
import { download, HttpPieceSource, type Lane } from './index.ts';

const blob = hostile.testBlob(randomBytes(5 * MiB + 3));
const folder = mkdtempSync(join(tmpdir(), 'atmosphere-tls-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function makeCertificate(name: string): { key: Buffer; cert: Buffer; der: Buffer } {
  const [key, cert] = [join(folder, `${name}.key`), join(folder, `${name}.pem`)];
  const args = ['req', '-x509', '-newkey', 'ed25519', '-nodes', '-subj', `/CN=${name}`, '-keyout', key, '-out', cert];
  execFileSync('openssl', args, { stdio: 'ignore' });
  const der = execFileSync('openssl', ['x509', '-in', cert, '-outform', 'DER']);
  return { key: readFileSync(key), cert: readFileSync(cert), der };
}

const server = makeCertificate('server');
const client = makeCertificate('client');
const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function startTls(options: object = {}) {
  const tls = {
    key: server.key,
    cert: server.cert,
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: false,
  } as const;
  return hostile.startHostileHttpServer(blob, { tls: { ...tls, ...options } });
}

function sourceTo(url: string, verifyPeer: (der: Buffer) => void): HttpPieceSource {
  return new HttpPieceSource({ id: 'peer', baseUrl: url, blob: blob.blob, tls: { ...client, verifyPeer } });
}

describe('HttpPieceSource over TLS', () => {
  it('gets a blob with a client certificate from the peer whose certificate is wanted', async () => {
    await using peer = await startTls({ ca: client.cert, rejectUnauthorized: true });
    const seen: string[] = [];
    const sink = new MemoryPieceSink(blob.content.length);
    const source = sourceTo(peer.url, (der) => seen.push(sha256(der)));
    await download({ blob: blob.blob, sink, sources: [source] }, new AbortController().signal);
    expect(sink.bytes.equals(blob.content)).toBe(true);
    expect(new Set(seen)).toEqual(new Set([sha256(server.der)]));
  });

  it('sends no request to a peer whose certificate is not the wanted one', async () => {
    await using peer = await startTls();
    const sink = new MemoryPieceSink(blob.content.length);
    const source = sourceTo(peer.url, () => {
      throw new Error('another node');
    });
    await expect(
      download({ blob: blob.blob, sink, sources: [source] }, new AbortController().signal),
    ).rejects.toMatchObject({ code: 'peer_not_trusted', data: { peers: [{ code: 'peer_not_trusted' }] } });
    expect(peer.requests).toEqual([]);
    expect(peer.listRequests()).toBe(0);
  });

  it('does not speak anything older than TLS 1.3', async () => {
    await using peer = await startTls({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    const source = sourceTo(peer.url, () => {});
    await expect(source.openLane(new AbortController().signal)).rejects.toMatchObject({ code: 'peer_unreachable' });
  });
});

describe('HttpPieceSource', () => {
  it.each([
    'http://user:secret@127.0.0.1:1/',
    'http://127.0.0.1:1/?token=secret',
    'ftp://127.0.0.1/',
    'https://127.0.0.1/',
    'nonsense',
  ])('refuses the base URL %s', (baseUrl) => {
    expect(() => new HttpPieceSource({ id: 'a', baseUrl, blob: blob.blob })).toThrow(/Reading a peer's URL/);
  });

  it('refuses an authorization that would end its field', async () => {
    await using peer = await hostile.startHostileHttpServer(blob);
    const authorization = (): string => 'Bearer x\r\nX-More: y';
    const source = new HttpPieceSource({ id: 'a', baseUrl: peer.url, blob: blob.blob, authorization });
    const lane = await source.openLane(new AbortController().signal);
    expect(() => lane.read({ start: 0, end: 10 }, () => {}, new AbortController().signal)).toThrow(/authorization/);
    lane.close();
  });

  it('takes a 400 for a word about the connection where that has given answers before, and for good where not', async () => {
    await using peer = await hostile.startHostileHttpServer(blob);
    const source = new HttpPieceSource({ id: 'a', baseUrl: peer.url, blob: blob.blob });
    const { signal } = new AbortController();
    const read = (lane: Lane): Promise<void> => lane.read({ start: 0, end: 10 }, () => {}, signal);
    const lane = await source.openLane(signal);
    await read(lane);
    peer.behave(hostile.answering(400));
    const refused = [read(lane), read(lane)];
    for (const one of refused) await expect(one).rejects.toMatchObject({ code: 'peer_unreachable' });
    expect(lane.isUsable).toBe(false);
    await expect(read(await source.openLane(signal))).rejects.toMatchObject({ code: 'bad_response' });
  });

  it('read() passes on exactly the range, on one connection, in chunks that never cross a MiB, waiting for buffers', async () => {
    await using peer = await hostile.startHostileHttpServer(blob);
    const source = new HttpPieceSource({ id: 'a', baseUrl: peer.url, blob: blob.blob });
    const lane = await source.openLane(new AbortController().signal);
    for (const range of [
      { start: 0, end: 1 },
      { start: 17, end: 4 * MiB + 9 },
      { start: MiB, end: 5 * MiB + 3 },
    ]) {
      const got = Buffer.alloc(range.end - range.start);
      const copies: Promise<void>[] = [];
      let position = range.start;
      const receive = async (bytes: Buffer): Promise<void> => {
        const at = position;
        position += bytes.length;
        expect(Math.floor(at / MiB)).toBe(Math.floor((position - 1) / MiB));
        const copied = new Promise<void>((resolve) => {
          setImmediate(() => {
            bytes.copy(got, at - range.start);
            resolve();
          });
        });
        copies.push(copied);
        await copied;
      };
      await lane.read(range, receive, new AbortController().signal);
      await Promise.all(copies);
      expect(got.equals(blob.content.subarray(range.start, range.end))).toBe(true);
    }
    expect(peer.openSockets.size).toBe(1);
    lane.close();
  });

  it('says peer_unreachable where nobody listens', async () => {
    const peer = await hostile.startHostileHttpServer(blob);
    await peer.close();
    const source = new HttpPieceSource({ id: 'a', baseUrl: peer.url, blob: blob.blob });
    await expect(source.openLane(new AbortController().signal)).rejects.toMatchObject({ code: 'peer_unreachable' });
  });
});
