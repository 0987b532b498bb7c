/** The control API as an interface: the daemon's use-cases implement it, the HTTP client satisfies it from afar. */
import type { AnswerOf, ControlRouteName, ControlRoutes, ParsedBodyOf, ParsedQueryOf } from './routes.ts';

export interface ControlInput<Name extends ControlRouteName> {
  readonly query: ParsedQueryOf<Name>;
  readonly body: ParsedBodyOf<Name>;
  readonly params: Readonly<Record<string, string>>;
}

/** A streaming route yields its events; the last says how it ended. Any other answers once. */
export type ControlHandler<Name extends ControlRouteName> = (
  input: ControlInput<Name>,
  signal: AbortSignal,
) => ControlRoutes[Name]['streams'] extends true ? AsyncIterable<AnswerOf<Name>> : Promise<AnswerOf<Name>>;

export type ControlHandlers = { readonly [Name in ControlRouteName]: ControlHandler<Name> };
