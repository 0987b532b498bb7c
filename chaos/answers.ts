/** A source that answers by its script: by number of the request, over all connections and lives. */
import type { Socket } from 'node:net';
import {
  answering,
  type Behaviour,
  chunkedBody,
  closesAtOnce,
  endlessBody,
  endlessHead,
  type HostileRequest,
  honest,
  longBody,
  nothing,
  otherRange,
  rangeHead,
  silentHead,
  type TestBlob,
  wholeBlob,
  wrongLength,
} from '../src/testkit/hostile-http-server.ts';
import { Holding } from './holding.ts';
import type { Answer, SourcePlan } from './scenario.ts';

type Maker = (at: number) => Behaviour;

const MAKERS: Record<Answer['how'], Maker> = {
  honest: () => honest,
  wrong_bytes: (at) => partly(at, (socket, rest) => void socket.write(withOneBitWrong(rest))),
  short: (at) => partly(at, (socket) => void socket.end()),
  long: () => longBody,
  endless: () => endlessBody,
  endless_head: () => endlessHead,
  silent: (at) => partly(at, () => {}),
  silent_head: () => silentHead,
  mute: () => nothing,
  closes: () => closesAtOnce,
  resets: (at) => partly(at, (socket) => void socket.resetAndDestroy()),
  whole_blob: () => wholeBlob,
  other_range: () => otherRange,
  chunked: () => chunkedBody,
  wrong_length: () => wrongLength,
  other_digest: () =>
    withHead((head) => head.replace(/ETag: "./, (tag) => `${tag.slice(0, -1)}${tag.endsWith('0') ? '1' : '0'}`)),
  garbage: () => (_, socket) => void socket.write(Buffer.alloc(512, 0x9d)),
  busy: () => answering(503, 'Retry-After: 0\r\n'),
  broken: () => answering(500),
  absent: () => answering(404),
  not_there_yet: () => answering(416),
  refuses: () => answering(403),
  slow: () => inDrops,
};

/** What the server does, counting on from `served` requests. */
export function servingOf(plan: SourcePlan, { content }: TestBlob, served: number) {
  const holding = new Holding(plan, content.length, served);
  const { onHave } = holding;
  const behaviour = holding.guarded(scripted(plan, served));
  return { behaviour, ...(onHave === undefined ? {} : { onHave }) };
}

function scripted({ answers, ever }: SourcePlan, served: number): Behaviour {
  return (request, socket, blob) => {
    const { how, at } = answers[served + request.count] ?? ever ?? { how: 'honest', at: 0 };
    MAKERS[how](at)(request, socket, blob);
  };
}

/** The list that the source gives out; undefined: none at all. */
export function listOf({ list }: SourcePlan, { pieces }: TestBlob): Buffer | undefined {
  if (list === 'mute') return undefined;
  if (list === 'short') return pieces.subarray(0, -1);
  return list === 'wrong' ? withOneBitWrong(pieces) : pieces;
}

function partly(at: number, then: (socket: Socket, rest: Buffer) => void): Behaviour {
  return (request, socket, blob) => {
    const middle = request.start + Math.floor((request.end - request.start) * at);
    socket.write(rangeHead(request, blob));
    socket.write(blob.content.subarray(request.start, middle));
    then(socket, blob.content.subarray(middle, request.end));
  };
}

function withHead(change: (head: string) => string): Behaviour {
  return (request: HostileRequest, socket, blob) => {
    socket.write(change(rangeHead(request, blob)));
    socket.write(blob.content.subarray(request.start, request.end));
  };
}

function withOneBitWrong(bytes: Buffer): Buffer {
  const lie = Buffer.from(bytes);
  const middle = Math.floor(lie.length / 2);
  lie[middle] = (lie[middle] ?? 0) ^ 1;
  return lie;
}

/** A few bytes at each turn that the other side has taken the ones before: never silent, never done. */
const inDrops: Behaviour = (request, socket, blob) => {
  socket.write(rangeHead(request, blob));
  let position = request.start;
  const timer = setInterval(() => {
    if (position >= request.end) clearInterval(timer);
    else socket.write(blob.content.subarray(position, Math.min(request.end, position + 64)));
    position += 64;
  }, 20);
  socket.once('close', () => clearInterval(timer));
};
