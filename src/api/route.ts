/** One route of the HTTP contract. Spec: docs/spec/05-http.md §2, §6. */
import { z } from 'zod';

/**
 * Who may call. `anyone`; `reader`: loopback, a certified peer, a token, or anybody for what is public; `owner`: loopback
 * with the local token and the right Host.
 */
export type Access = 'anyone' | 'reader' | 'owner';

export interface Route<
  Query extends z.ZodType = z.ZodType,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
  Streams extends boolean = boolean,
> {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `:name` for one segment. */
  readonly path: string;
  readonly access: Access;
  readonly summary: string;
  readonly query: Query;
  readonly body: Body;
  readonly answer: Answer;
  /** The answer is a line of JSON an event until the work ends. */
  readonly streams: Streams;
}

const nothing = z.object({});
type Nothing = typeof nothing;

interface Draft<Query extends z.ZodType, Body extends z.ZodType, Answer extends z.ZodType, Streams extends boolean> {
  readonly access: Access;
  readonly summary: string;
  readonly query?: Query;
  readonly body?: Body;
  readonly answer: Answer;
  readonly streams?: Streams;
}

/** What the draft leaves out is nothing. */
export function route<
  Answer extends z.ZodType,
  Query extends z.ZodType = Nothing,
  Body extends z.ZodType = Nothing,
  Streams extends boolean = false,
>(
  method: Route['method'],
  path: string,
  draft: Draft<Query, Body, Answer, Streams>,
): Route<Query, Body, Answer, Streams> {
  const { query = nothing as unknown as Query, body = nothing as unknown as Body } = draft;
  const streams = (draft.streams ?? false) as Streams;
  return { method, path, access: draft.access, summary: draft.summary, query, body, answer: draft.answer, streams };
}
