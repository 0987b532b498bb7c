/** The typed client of the control API, for the CLI and the web app. Uses only what browsers have. */
import { z } from 'zod';
import { messageOf } from '../core/index.ts';
import { ApiError, ERROR_KINDS, errorBodySchema, RemoteError } from './errors.ts';
import { type AnswerOf, type BodyOf, CONTROL_ROUTES, type ControlRouteName, type QueryOf } from './routes.ts';

export interface ClientOptions {
  /** `http://127.0.0.1:14345` */
  readonly baseUrl: string;
  /** The local token. Sent as a header, never in the URL. */
  readonly token: string;
  readonly fetch?: typeof globalThis.fetch;
}

export interface CallInput<Name extends ControlRouteName> {
  readonly query?: QueryOf<Name>;
  readonly body?: BodyOf<Name>;
  readonly params?: Readonly<Record<string, string>>;
}

export class ControlClient {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** One question, one answer. Throws RemoteError for what the daemon refused, ApiError when it cannot be reached. */
  async call<Name extends ControlRouteName>(
    name: Name,
    input: CallInput<Name> = {},
    signal?: AbortSignal,
  ): Promise<AnswerOf<Name>> {
    const response = await this.#send(name, input, signal);
    const text = await response.text().catch((cause: unknown) => {
      throw brokenOff(cause, signal);
    });
    return parseAnswer(name, parseJson(name, text));
  }

  /** The events of a streaming route, in order, until its work ends. Leaving the loop ends the request. */
  async *stream<Name extends ControlRouteName>(
    name: Name,
    input: CallInput<Name> = {},
    signal?: AbortSignal,
  ): AsyncGenerator<AnswerOf<Name>> {
    const response = await this.#send(name, input, signal);
    if (response.body === null) return;
    try {
      for await (const line of linesOf(response.body)) yield parseAnswer(name, parseJson(name, line));
    } catch (cause) {
      throw brokenOff(cause, signal);
    }
  }

  async #send<Name extends ControlRouteName>(
    name: Name,
    { query, body, params = {} }: CallInput<Name>,
    signal: AbortSignal | undefined,
  ): Promise<Response> {
    const { method, path } = CONTROL_ROUTES[name];
    const url = new URL(fillPath(path, params), this.#options.baseUrl);
    for (const [key, value] of Object.entries(query ?? {}))
      if (value !== undefined) url.searchParams.set(key, String(value));
    const headers: Record<string, string> = { authorization: `Bearer ${this.#options.token}` };
    if (method === 'POST') headers['content-type'] = 'application/json';
    const response = await this.#fetch(url, {
      method,
      headers,
      ...(method === 'POST' ? { body: JSON.stringify(body ?? {}) } : {}),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok) throw await readError(response);
    return response;
  }

  async #fetch(url: URL, init: RequestInit): Promise<Response> {
    try {
      return await (this.#options.fetch ?? globalThis.fetch)(url, init);
    } catch (cause) {
      if (init.signal?.aborted === true) throw cause;
      throw new ApiError('daemon_unreachable', `Asking the daemon at ${url.origin}: ${reasonOf(cause)}`, { cause });
    }
  }
}

/** A connection that ended inside an answer; what the caller itself stopped stays as it is. */
function brokenOff(thrown: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted === true || thrown instanceof ApiError || thrown instanceof RemoteError) return thrown;
  return new ApiError(
    'daemon_unreachable',
    'Reading the daemon’s answer: the daemon ended, or its connection broke off',
    {
      cause: thrown,
    },
  );
}

/** `fetch failed` says nothing; what it failed on is its cause. */
function reasonOf(thrown: unknown): string {
  const inner = thrown instanceof Error ? thrown.cause : undefined;
  const code = (inner as { code?: unknown } | null | undefined)?.code;
  if (typeof code === 'string') return code;
  return inner instanceof Error ? inner.message : messageOf(thrown);
}

function fillPath(path: string, params: Readonly<Record<string, string>>): string {
  return path.replaceAll(/:(\w+)/g, (_whole, name: string) => encodeURIComponent(params[name] ?? ''));
}

function parseJson(name: ControlRouteName, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ApiError('bad_answer', `Reading the daemon's answer to ${name}: it is not JSON`, { cause });
  }
}

/** Work that failed before its first event, when the head of the answer was sent already. */
const lateFailureSchema = z.object({
  event: z.literal('failed'),
  error: z.string(),
  code: z.string(),
  kind: z.enum(ERROR_KINDS),
});

function parseAnswer<Name extends ControlRouteName>(name: Name, json: unknown): AnswerOf<Name> {
  const parsed = CONTROL_ROUTES[name].answer.safeParse(json);
  if (parsed.success) return parsed.data as AnswerOf<Name>;
  const failed = lateFailureSchema.safeParse(json);
  if (failed.success) throw new RemoteError({ ...failed.data, retry: false, data: {} });
  throw new ApiError('bad_answer', `Reading the daemon's answer to ${name}: ${parsed.error.issues[0]?.message}`, {
    cause: parsed.error,
  });
}

async function readError(response: Response): Promise<Error> {
  const json: unknown = await response.json().catch(() => undefined);
  const parsed = errorBodySchema.safeParse(json);
  if (parsed.success) return new RemoteError(parsed.data);
  return new ApiError('bad_answer', `Asking the daemon: HTTP ${response.status} without an error body`);
}

async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let held = '';
  for await (const chunk of body) {
    held += decoder.decode(chunk, { stream: true });
    const lines = held.split('\n');
    held = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield line;
  }
  if (held !== '') yield held;
}
