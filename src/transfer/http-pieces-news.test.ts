import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { describe, expect, it, test } from 'vitest';
import { MiB } from '../core/index.ts';
import { encodeHaveFrame, type HaveFrame, PROTOCOL_LIMITS } from '../protocol/index.ts';
import * as hostile from '../testkit/hostile-http-server.ts';
import { vectorCases } from '../testkit/vectors.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { followPieces } from './http-pieces-news.ts';
import { HttpPieceSource } from './http-source.ts';

import type { PieceNews } from './ports.ts';

const blob = hostile.testBlob(randomBytes(9 * MiB + 3));
const PIECES = 10;
const OPEN = 'HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n\r\n';
const SIGNAL_NEVER = new AbortController().signal;

const frames = (...all: HaveFrame[]): Buffer => Buffer.concat(all.map(encodeHaveFrame));

interface Followed extends AsyncDisposable {
  readonly news: PieceNews[];
  readonly ended: Promise<unknown>;
  readonly targets: string[];
  /** Resolves with the peer's side of the connection. */
  readonly socket: Promise<Socket>;
  heard(count: number): Promise<void>;
  stop(): void;
}

/** A peer that answers with `answer`, and somebody who follows it. */
async function follow(answer: string | Buffer, clock?: VirtualClock): Promise<Followed> {
  const asked = Promise.withResolvers<Socket>();
  const targets: string[] = [];
  const onHave = (socket: Socket, target: string): void => {
    targets.push(target);
    socket.write(answer);
    asked.resolve(socket);
  };
  const peer = await hostile.startHostileHttpServer(blob, { onHave });
  const { port } = new URL(peer.url);
  const stop = new AbortController();
  const news: PieceNews[] = [];
  const listeners = new Set<() => void>();
  const request = `GET /v1/blobs/${blob.blob.sha256}/have?follow=1 HTTP/1.1\r\nHost: x\r\n\r\n`;
  const question = { target: { host: '127.0.0.1', port: Number(port) }, request, pieceCount: PIECES };
  const tell = (one: PieceNews): void => {
    news.push(one);
    for (const listener of listeners) listener();
  };
  const ended = followPieces({ ...question, ...(clock === undefined ? {} : { clock }) }, tell, stop.signal).then(
    () => 'stopped',
    (thrown: { code: string }) => thrown.code,
  );
  return {
    ...{ news, ended, targets, socket: asked.promise, stop: () => stop.abort() },
    heard: (count) =>
      new Promise((resolve) => {
        const look = (): void => void (news.length >= count && resolve());
        listeners.add(look);
        look();
      }),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
      await peer.close();
    },
  };
}

describe('followPieces()', () => {
  it('tells the state, then each change, until it is stopped', async () => {
    const bits = Uint8Array.of(0b1010_0000, 0);
    await using peer = await follow(OPEN);
    (await peer.socket).write(frames({ type: 'holds', bits }));
    await peer.heard(1);
    const later = frames({ type: 'gained', indexes: [1] }, { type: 'alive' }, { type: 'sent', indexes: [0, 2] });
    // Cut in the middle of a frame.
    (await peer.socket).write(later.subarray(0, 11));
    await peer.heard(2);
    (await peer.socket).write(Buffer.concat([later.subarray(11), frames({ type: 'others', count: 4 })]));
    await peer.heard(4);
    expect(peer.news).toEqual([
      { news: 'holds', bits },
      { news: 'gained', indexes: [1] },
      { news: 'sent', indexes: [0, 2] },
      { news: 'others', count: 4 },
    ]);
    peer.stop();
    expect(await peer.ended).toBe('stopped');
  });

  test.each([
    [
      'a node of an older version',
      'HTTP/1.1 404 Not Found\r\nProblem-Code: route_not_found\r\nContent-Length: 0\r\n\r\n',
    ],
    ['a server of files', 'HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\nnot found'],
    ['a server that knows no such question', 'HTTP/1.1 405 Method Not Allowed\r\n\r\n'],
    ['a state that nothing follows', `HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n\x01\0\0\0\0`],
  ])('%s holds everything for good, whatever becomes of the connection', async (_name, answer) => {
    await using peer = await follow(Buffer.from(answer, 'latin1'));
    await peer.heard(1);
    const socket = await peer.socket;
    socket.end();
    await new Promise((resolve) => socket.once('close', resolve));
    peer.stop();
    expect([await peer.ended, peer.news]).toEqual(['stopped', [{ news: 'holds_all' }]]);
  });

  test.each([
    ['a blob that is not there', 'HTTP/1.1 404 Not Found\r\nProblem-Code: blob_not_found\r\n\r\n', 'not_held'],
    ['too many followers', 'HTTP/1.1 429 Too Many\r\nRetry-After: 5\r\n\r\n', 'peer_busy'],
    ['a refusal', 'HTTP/1.1 403 Forbidden\r\n\r\n', 'refused'],
    ['another status', 'HTTP/1.1 302 Found\r\n\r\n', 'bad_response'],
    ['a chunked body', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', 'bad_response'],
    ['a compressed body', 'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n', 'bad_response'],
    ['a length that is none', 'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n', 'bad_response'],
    ['more than the length', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x01\0\0\0\0', 'bad_response'],
    ['a length that ends within a frame', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x01\0\0\0', 'bad_response'],
    ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'bad_response'],
    ['an endless head', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(10_000)}`, 'bad_response'],
  ])('%s is an error of its own', async (_name, answer, code) => {
    await using peer = await follow(Buffer.from(answer, 'latin1'));
    expect(await peer.ended).toBe(code);
  });

  const bad = vectorCases<{ name: string; bytes: string; error?: string }>('have').filter(([, one]) => one.error);
  test.each(bad)('bad_response for %s', async (_name, { bytes }) => {
    await using peer = await follow(Buffer.concat([Buffer.from(OPEN), Buffer.from(bytes, 'hex')]));
    expect(await peer.ended).toBe('bad_response');
  });

  it.each([
    ['that it lives', '0000000000'],
    ['what this version does not know', '4d00000000'],
  ])('ends with a peer that never stops telling %s', async (_name, frame) => {
    const endless = Buffer.from(frame.repeat(100_000), 'hex');
    const flood = Buffer.concat([Buffer.from(OPEN), frames({ type: 'holds_all' }), endless]);
    await using peer = await follow(flood, new VirtualClock());
    expect(await peer.ended).toBe('bad_response');
  });

  it('ends with the connection, within a frame or after one', async () => {
    await using peer = await follow(Buffer.concat([Buffer.from(OPEN), frames({ type: 'holds_all' })]));
    await peer.heard(1);
    (await peer.socket).end();
    expect(await peer.ended).toBe('peer_unreachable');
  });

  it('a peer that says nothing for three times its sign of life has stalled', async () => {
    const clock = new VirtualClock();
    await using peer = await follow(Buffer.concat([Buffer.from(OPEN), frames({ type: 'holds_all' })]), clock);
    await peer.heard(1);
    await clock.advance(3 * PROTOCOL_LIMITS.haveKeepAliveMs - 1);
    (await peer.socket).write(frames({ type: 'alive' }, { type: 'others', count: 1 }));
    await peer.heard(2);
    await clock.advance(3 * PROTOCOL_LIMITS.haveKeepAliveMs - 1);
    expect(await Promise.race([peer.ended, Promise.resolve('follows')])).toBe('follows');
    await clock.advance(1);
    expect(await peer.ended).toBe('peer_stalled');
  });
});

describe('HttpPieceSource.followPieces()', () => {
  it('names the root that it goes by, and stops without a word', async () => {
    const asked = Promise.withResolvers<string>();
    await using peer = await hostile.startHostileHttpServer(blob, {
      onHave: (_socket, target) => asked.resolve(target),
    });
    const source = new HttpPieceSource({ id: 'a', baseUrl: peer.url, blob: blob.blob });
    const stop = new AbortController();
    const following = source.followPieces(() => {}, stop.signal);
    expect(await asked.promise).toBe(`/v1/blobs/${blob.blob.sha256}/have?follow=1&root=${blob.blob.pieceRoot}`);
    stop.abort();
    await following;
    await source.followPieces(() => {}, AbortSignal.abort());
  });

  it('a range that is not there yet is no reason to drop the peer', async () => {
    const notYet = 'HTTP/1.1 416 Range Not Satisfiable\r\nProblem-Code: not_held_yet\r\nContent-Length: 0\r\n\r\n';
    const behaviour: hostile.Behaviour = (_request, socket) => void socket.write(notYet);
    await using peer = await hostile.startHostileHttpServer(blob, { behaviour });
    const source = new HttpPieceSource({ id: 'a', baseUrl: peer.url, blob: blob.blob });
    const lane = await source.openLane(SIGNAL_NEVER);
    const reading = lane.read({ start: 0, end: 10 }, () => {}, SIGNAL_NEVER);
    await expect(reading).rejects.toMatchObject({ code: 'not_held_yet', kind: 'unreachable', retry: true });
    lane.close();
  });
});
