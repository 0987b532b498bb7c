/** A daemon for tests of the command line: a real HTTP server that answers by the contract, found as a real one is. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTRACT_VERSION, DAEMON_FILE, type ErrorBody, HTTP_STATUS, TOKEN_FILE } from '../api/index.ts';

export interface Asked {
  readonly url: URL;
  readonly body: unknown;
  /** Aborted when the client goes away. */
  readonly gone: AbortSignal;
}

/** A value is one document, an async iterable is lines, a thrown ErrorBody is an error. */
export type Answers = Readonly<Record<string, (asked: Asked) => unknown>>;

export interface FakeDaemon extends AsyncDisposable {
  readonly home: string;
  readonly http: string;
  /** `METHOD /path` of every question, in order. */
  readonly asked: readonly string[];
}

const TOKEN = 'local-token';

export async function makeHome(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'atmosphere-cli-'));
}

export async function openFakeDaemon(
  answers: Answers,
  options: { home?: string; pid?: number } = {},
): Promise<FakeDaemon> {
  const home = options.home ?? (await makeHome());
  const asked: string[] = [];
  const server = createServer((request, response) => {
    respond(answers, asked, request, response).catch((thrown) => response.destroy(thrown as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const http = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await announce(home, http, options.pid ?? process.pid);
  return { home, http, asked, [Symbol.asyncDispose]: () => close(server, home) };
}

export async function announce(home: string, http: string, pid: number): Promise<void> {
  await mkdir(join(home, 'run'), { recursive: true });
  await writeFile(join(home, TOKEN_FILE), `${TOKEN}\n`, { mode: 0o600 });
  const file = { pid, http, node_id: 'node-a', started_at: new Date(0).toISOString(), contract: CONTRACT_VERSION };
  await writeFile(join(home, DAEMON_FILE), JSON.stringify(file));
}

async function close(server: Server, home: string): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(home, { recursive: true, force: true });
}

async function respond(answers: Answers, asked: string[], request: IncomingMessage, response: ServerResponse) {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const key = `${request.method} ${url.pathname}`;
  asked.push(key);
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return sendError(response, errorBody('refused', 'No token'));
  const answer = answers[key];
  if (answer === undefined) return sendError(response, errorBody('not_found', `No route ${key}`));
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  try {
    await send(response, await answer({ url, body: await readBody(request), gone: gone.signal }));
  } catch (thrown) {
    sendError(response, thrown as ErrorBody);
  }
}

async function send(response: ServerResponse, value: unknown): Promise<void> {
  if (typeof value !== 'object' || value === null || !(Symbol.asyncIterator in value)) {
    response.setHeader('content-type', 'application/json').end(JSON.stringify(value));
    return;
  }
  response.setHeader('content-type', 'application/x-ndjson').flushHeaders();
  for await (const event of value as AsyncIterable<unknown>) response.write(`${JSON.stringify(event)}\n`);
  response.end();
}

export function errorBody(kind: ErrorBody['kind'], error: string, data: Record<string, unknown> = {}): ErrorBody {
  return { error, code: kind, kind, retry: false, data };
}

function sendError(response: ServerResponse, body: ErrorBody): void {
  response.writeHead(HTTP_STATUS[body.kind], { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text === '' ? undefined : JSON.parse(text);
}

export async function* lines(...values: readonly unknown[]): AsyncGenerator<unknown> {
  yield* values;
}
