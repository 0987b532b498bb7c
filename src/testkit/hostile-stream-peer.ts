/**
 * The far end of a blob stream (docs/spec/10-transfer.md §9) that answers as it is told: the peers nobody wants, for tests.
 * It speaks the wire by itself, so that what it does wrong is not done right by the code under test.
 */
import type { ByteStream } from '../mesh/index.ts';
import type { TestBlob } from './hostile-http-server.ts';

interface Question {
  readonly want: string;
  readonly start: number;
  readonly end: number;
}

export type StreamBehaviour = (question: Question, stream: ByteStream, blob: TestBlob) => void;

/** Answers every question on the stream by `behaviour`; those for piece lists and news honestly. */
export function answerStream(stream: ByteStream, blob: TestBlob, behaviour: StreamBehaviour): void {
  let held = Buffer.alloc(0);
  stream.receive({
    bytes(chunk) {
      held = Buffer.concat([held, chunk]);
      while (held.length >= 4 && held.length >= 4 + held.readUInt32BE(0)) {
        const end = 4 + held.readUInt32BE(0);
        const question = JSON.parse(held.toString('utf8', 4, end)) as Question;
        held = held.subarray(end);
        (OTHERWISE[question.want] ?? behaviour)(question, stream, blob);
      }
    },
    ended: (error) => (error === undefined ? void stream.close() : stream.abort(error)),
  });
}

export function frameOf(value: unknown): Buffer {
  const text = Buffer.from(JSON.stringify(value));
  const header = Buffer.alloc(4);
  header.writeUInt32BE(text.length);
  return Buffer.concat([header, text]);
}

function say(stream: ByteStream, ...parts: readonly Uint8Array[]): void {
  stream.send(Buffer.concat(parts))?.catch(() => {});
}

const answerPieces: StreamBehaviour = ({ start, end }, stream, { pieces }) =>
  say(stream, frameOf({ size: pieces.length, length: end - start }), pieces.subarray(start, end));

const answerHave: StreamBehaviour = (_, stream) => say(stream, frameOf({ follow: true }), Buffer.from([1, 0, 0, 0, 0]));

const OTHERWISE: Readonly<Record<string, StreamBehaviour>> = { pieces: answerPieces, have: answerHave };

export const honestStream: StreamBehaviour = ({ start, end }, stream, { content }) =>
  say(stream, frameOf({ size: content.length, length: end - start }), content.subarray(start, end));

/** The right answer with this as its head. */
export function streamHead(headOf: (question: Question, blob: TestBlob) => unknown): StreamBehaviour {
  return (question, stream, blob) =>
    say(stream, frameOf(headOf(question, blob)), blob.content.subarray(question.start, question.end));
}

export function streamError(error: unknown): StreamBehaviour {
  return (_, stream) => say(stream, frameOf(error));
}

/** One byte behind the answer. */
export const longStream: StreamBehaviour = ({ start, end }, stream, { content }) =>
  say(stream, frameOf({ size: content.length, length: end - start }), content.subarray(start, end), Buffer.from('x'));

/** Ends in the middle of the answer, and looks as if all had been said. */
export const dyingStream: StreamBehaviour = ({ start, end }, stream, { content }) => {
  const half = content.subarray(start, start + Math.floor((end - start) / 2));
  say(stream, frameOf({ size: content.length, length: end - start }), half);
  void stream.close();
};

export const silentStream: StreamBehaviour = () => {};
