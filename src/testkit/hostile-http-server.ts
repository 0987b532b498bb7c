/**
 * A raw HTTP/1.1 server on loopback that answers as it is told, byte by byte: the peers nobody wants, for tests.
 * It serves one blob honestly (`GET …/blobs/{sha256}` with a range, `GET …/pieces`) unless a behaviour takes over.
 */
import { createHash } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { PieceHasher, pieceLayout, pieceRange, toPieceList } from '../content/index.ts';
import { parseSha256 } from '../core/index.ts';

export interface TestBlob {
  readonly content: Buffer;
  readonly pieces: Buffer;
  readonly blob: {
    readonly sha256: ReturnType<typeof parseSha256>;
    readonly sizeBytes: number;
    readonly pieceBytes: number;
    readonly pieceRoot: ReturnType<typeof toPieceList>['root'];
  };
}

/** A blob and everything a signed entry would say of it. */
export function testBlob(content: Buffer): TestBlob {
  const layout = pieceLayout(content.length);
  const hashes = Array.from({ length: layout.pieceCount }, (_, index) => {
    const { start, end } = pieceRange(layout, index);
    return new PieceHasher().update(content.subarray(start, end)).digest();
  });
  const list = toPieceList(content.length, Buffer.concat(hashes));
  const sha256 = parseSha256(createHash('sha256').update(content).digest('hex'));
  const { sizeBytes, pieceBytes } = layout;
  return { content, pieces: list.hashes, blob: { sha256, sizeBytes, pieceBytes, pieceRoot: list.root } };
}

export interface HostileRequest {
  readonly path: string;
  /** Names in lower case. */
  readonly fields: ReadonlyMap<string, string>;
  /** Of the Range field; end is one past the last byte. */
  readonly start: number;
  readonly end: number;
  /** How many requests for ranges came before, over all connections. */
  readonly count: number;
}

/** Answers a range request on the socket as it likes. Undefined from `behaviours` means: honestly. */
export type Behaviour = (request: HostileRequest, socket: Socket, blob: TestBlob) => void;

export interface HostileHttpServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: readonly HostileRequest[];
  /** How often the piece list was asked for. */
  listRequests(): number;
  /** Sockets open now. */
  readonly openSockets: ReadonlySet<Socket>;
  /** Takes effect with the next request. */
  behave(behaviour: Behaviour): void;
  /** Bytes sent as piece list instead of the right ones; undefined: no answer at all. */
  lieAboutPieces(pieces: Buffer | undefined): void;
  close(): Promise<void>;
}

export async function startHostileHttpServer(
  blob: TestBlob,
  options: {
    readonly behaviour?: Behaviour;
    readonly tls?: TlsOptions;
    /** Any free one unless given. */
    readonly port?: number;
    /** Answers who follows its pieces; without it the server has no such route, and so no parts. */
    readonly onHave?: (socket: Socket, target: string) => void;
  } = {},
): Promise<HostileHttpServer> {
  const requests: HostileRequest[] = [];
  const openSockets = new Set<Socket>();
  let behaviour = options.behaviour ?? honest;
  let pieces: Buffer | undefined = blob.pieces;
  let listRequests = 0;
  const onSocket = (socket: Socket): void => {
    openSockets.add(socket);
    socket.on('close', () => openSockets.delete(socket)).on('error', () => {});
    readRequests(socket, (target, fields) => {
      const [path = ''] = target.split('?');
      if (path.endsWith('/have')) {
        if (options.onHave !== undefined) options.onHave(socket, target);
        else socket.write('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      if (path.endsWith('/pieces')) {
        listRequests += 1;
        if (pieces !== undefined) socket.write(Buffer.concat([Buffer.from(okHead(pieces.length)), pieces]));
        return;
      }
      const [, first = '0', last = '-1'] = /^bytes=(\d+)-(\d+)$/.exec(fields.get('range') ?? '') ?? [];
      const request = { path, fields, start: Number(first), end: Number(last) + 1, count: requests.length };
      requests.push(request);
      behaviour(request, socket, blob);
    });
  };
  const server: Server = options.tls === undefined ? createServer(onSocket) : createTlsServer(options.tls, onSocket);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const close = async (): Promise<void> => {
    for (const socket of openSockets) socket.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  return {
    url: `http${options.tls === undefined ? '' : 's'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    listRequests: () => listRequests,
    openSockets,
    behave: (next) => {
      behaviour = next;
    },
    lieAboutPieces: (lie) => {
      pieces = lie;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

function readRequests(socket: Socket, onRequest: (path: string, fields: Map<string, string>) => void): void {
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
      const [first = '', ...lines] = text.slice(0, end).split('\r\n');
      text = text.slice(end + 4);
      onRequest(first.split(' ')[1] ?? '', new Map(lines.map(toField)));
    }
  });
}

function toField(line: string): [string, string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}

function okHead(length: number): string {
  return `HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`;
}

/** The head of a right answer. */
export function rangeHead(request: HostileRequest, blob: TestBlob): string {
  const range = `bytes ${request.start}-${request.end - 1}/${blob.content.length}`;
  const length = request.end - request.start;
  return `HTTP/1.1 206 Partial Content\r\nContent-Range: ${range}\r\nContent-Length: ${length}\r\nETag: "${blob.blob.sha256}"\r\n\r\n`;
}

export const honest: Behaviour = (request, socket, blob) => {
  socket.write(rangeHead(request, blob));
  socket.write(blob.content.subarray(request.start, request.end));
};

/** Sends a fixed status and closes. */
export function answering(status: number, fields = ''): Behaviour {
  return (_, socket) => void socket.end(`HTTP/1.1 ${status} Status\r\nContent-Length: 0\r\n${fields}\r\n`);
}

/** The right head with other bytes behind it. */
export const wrongBytes: Behaviour = (request, socket, blob) => {
  const lie = Buffer.from(blob.content.subarray(request.start, request.end));
  lie[Math.floor(lie.length / 2)] = (lie[Math.floor(lie.length / 2)] ?? 0) ^ 1;
  socket.write(rangeHead(request, blob));
  socket.write(lie);
};

/** Closes after half of the body. */
export const shortBody: Behaviour = (request, socket, blob) => {
  socket.write(rangeHead(request, blob));
  socket.end(blob.content.subarray(request.start, request.start + Math.floor((request.end - request.start) / 2)));
};

/** One byte more than the head said. */
export const longBody: Behaviour = (request, socket, blob) => {
  const body = blob.content.subarray(request.start, request.end);
  socket.write(Buffer.concat([Buffer.from(rangeHead(request, blob)), body, Buffer.from('x')]));
};

/** Never stops sending behind the body. */
export const endlessBody: Behaviour = (request, socket, blob) => {
  socket.write(rangeHead(request, blob));
  pour(socket, Buffer.alloc(65_536, 0x61));
};

/** Field after field, no end. */
export const endlessHead: Behaviour = (_, socket) => {
  socket.write('HTTP/1.1 206 Partial Content\r\n');
  pour(socket, Buffer.from('X-More: of the same\r\n'.repeat(100)));
};

/** Half a head, then silence. */
export const silentHead: Behaviour = (_, socket) => void socket.write('HTTP/1.1 206 Partial Con');

/** A right head and half of the body, then silence. */
export const silentBody: Behaviour = (request, socket, blob) => {
  socket.write(rangeHead(request, blob));
  socket.write(blob.content.subarray(request.start, request.start + Math.floor((request.end - request.start) / 2)));
};

export const nothing: Behaviour = () => {};

export const closesAtOnce: Behaviour = (_, socket) => void socket.destroy();

/** The whole blob with status 200, as servers without ranges do. */
export const wholeBlob: Behaviour = (_, socket, blob) => {
  socket.write(okHead(blob.content.length));
  socket.write(blob.content);
};

/** A right answer to another question. */
export const otherRange: Behaviour = (request, socket, blob) =>
  honest({ ...request, start: request.start + 1, end: request.end + 1 }, socket, blob);

/** The right bytes, chunked. */
export const chunkedBody: Behaviour = (request, socket, blob) => {
  const body = blob.content.subarray(request.start, request.end);
  const head = rangeHead(request, blob).replace(/Content-Length: \d+/, 'Transfer-Encoding: chunked');
  socket.write(head);
  socket.write(Buffer.concat([Buffer.from(`${body.length.toString(16)}\r\n`), body, Buffer.from('\r\n0\r\n\r\n')]));
};

/** Says fewer bytes than were asked for. */
export const wrongLength: Behaviour = (request, socket, blob) => {
  const head = rangeHead(request, blob).replace(/Content-Length: \d+/, 'Content-Length: 7');
  socket.write(Buffer.concat([Buffer.from(head), blob.content.subarray(0, 7)]));
};

/** At most so many bytes a second, in ten portions a second. */
export function slowBody(bytesPerSecond: number): Behaviour {
  return (request, socket, blob) => inTurn(socket, (done) => dripBody(bytesPerSecond, { request, socket, blob, done }));
}

interface Drip {
  readonly request: HostileRequest;
  readonly socket: Socket;
  readonly blob: TestBlob;
  readonly done: () => void;
}

function dripBody(bytesPerSecond: number, { request, socket, blob, done }: Drip): void {
  socket.write(rangeHead(request, blob));
  let position = request.start;
  const timer = setInterval(() => {
    const end = Math.min(request.end, position + Math.ceil(bytesPerSecond / 10));
    socket.write(blob.content.subarray(position, end));
    position = end;
    if (position === request.end) {
      clearInterval(timer);
      done();
    }
  }, 100);
  socket.once('close', () => clearInterval(timer));
}

const turns = new WeakMap<Socket, Promise<void>>();

/** Requests that were sent ahead are answered one after the other. */
function inTurn(socket: Socket, answer: (done: () => void) => void): void {
  const before = turns.get(socket) ?? Promise.resolve();
  turns.set(
    socket,
    before.then(() => new Promise<void>((done) => answer(done))),
  );
}

function pour(socket: Socket, chunk: Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(chunk));
  };
  socket.on('drain', more);
  more();
}
