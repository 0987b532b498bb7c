/** Followers and senders of all ways are in one book: HTTP, mesh streams, WebSockets. Spec: docs/spec/10-transfer.md §8. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { MiB, type NodeId, silentLogger } from '../../core/index.ts';
import { MemoryByteStream } from '../../mesh/memory-stream.ts';
import { BlobStreams } from '../../node/streams/blob-streams.ts';
import { nextTurn } from '../../testkit/eventually.ts';
import { testBlob } from '../../testkit/hostile-http-server.ts';
import { HttpPieceSource, type PieceNews, type PieceSource, StreamPieceSource } from '../../transfer/index.ts';
import { FileContent, openTestEdge, type TestEdge, until } from '../http-edge.fixture.ts';
import { SERVER_LIMITS } from '../limits.ts';
import { HaveBook } from './have-book.ts';

const blob = testBlob(randomBytes(3 * MiB + 5));
const never = (): AbortSignal => new AbortController().signal;

class HeldContent extends FileContent {
  async openHolding() {
    const { sha256, sizeBytes, pieceBytes, pieceRoot } = blob.blob;
    const held = { held: () => 'all' as const, onChange: () => () => {} };
    return { ...held, sha256, sizeBytes, pieceBytes, pieceRoot, async [Symbol.asyncDispose]() {} };
  }
}

let folder: string;
let book: HaveBook;
let edge: TestEdge;
let streams: BlobStreams;
let stop: AbortController;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'atmosphere-ways-'));
  const content = new HeldContent(folder);
  await content.add('org/model', { 'model.gguf': blob.content });
  book = new HaveBook();
  stop = new AbortController();
  edge = await openTestEdge({ follows: book, content });
  streams = new BlobStreams({ content, roleOf: () => 'member', follows: book, logger: silentLogger });
});
afterEach(async () => {
  stop.abort();
  await edge[Symbol.asyncDispose]();
  book[Symbol.dispose]();
  await rm(folder, { recursive: true });
});

const byHttp = (): PieceSource =>
  new HttpPieceSource({ id: 'http', blob: blob.blob, baseUrl: `http://127.0.0.1:${edge.port}` });

function byStream(nodeId: string): PieceSource {
  const openStream = async () => {
    const [here, there] = MemoryByteStream.pair(() => nextTurn());
    void streams.serve(nodeId as NodeId, there);
    return here;
  };
  return new StreamPieceSource({ id: nodeId, nodeId: nodeId as NodeId, blob: blob.blob, openStream });
}

/** What a follower knows of the others and of what was sent. */
function follow(source: PieceSource) {
  const known = { others: -1, sent: new Set<number>() };
  const hear = (news: PieceNews): void => {
    if (news.news === 'others') known.others = news.count;
    if (news.news === 'sent') for (const index of news.indexes) known.sent.add(index);
  };
  void source.followPieces?.(hear, stop.signal);
  return known;
}

async function read(source: PieceSource, piece: number): Promise<void> {
  const lane = await source.openLane(never());
  await lane.read({ start: piece * MiB, end: piece * MiB + 10 }, () => {}, never());
  lane.close();
}

async function readByWebSocket(firstPiece: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${edge.port}/mesh`);
  await once(socket, 'open');
  const ids = { request_id: 'r', requester_node_id: 'plain', target_node_id: '', model_id: 'org/model' };
  const range = { resume_from_byte: firstPiece * MiB, end_byte: firstPiece * MiB + 10 };
  const messages: string[] = [];
  socket.on('message', (data) => void messages.push(String(data)));
  socket.send(JSON.stringify({ type: 'model_request', ...ids, ...range, transport: 'websocket' }));
  await until(() => messages.some((message) => message.includes('"model_transfer_chunk"')));
  socket.terminate();
}

test('followers of a blob hear of each other, by whatever way each follows', async () => {
  const [one, two, three] = [follow(byHttp()), follow(byStream('x')), follow(byStream('y'))];
  await until(() => [one, two, three].every(({ others }) => others === 2));
  const again = follow(byStream('y'));
  await until(() => again.others === 2);
  expect(one.others).toBe(2);
});

test('what is sent by one way is told to those who follow by another', async () => {
  const followers = [follow(byHttp()), follow(byStream('x'))];
  await until(() => followers.every(({ others }) => others === 1));
  const haveHeard = (...pieces: number[]) =>
    until(() => followers.every(({ sent }) => [...sent].sort().join() === pieces.join()));
  await read(byStream('y'), 2);
  await haveHeard(2);
  await read(byHttp(), 0);
  await haveHeard(0, 2);
  await readByWebSocket(1);
  await haveHeard(0, 1, 2);
});

test('one follower too many on a stream hears that it has to wait', async () => {
  const full = new HaveBook({ ...SERVER_LIMITS, followersPerBlob: 0 });
  streams = new BlobStreams({
    content: new HeldContent(folder),
    roleOf: () => 'member',
    follows: full,
    logger: silentLogger,
  });
  await expect(byStream('x').followPieces?.(() => {}, never())).rejects.toMatchObject({ code: 'peer_busy' });
});
