/**
 * A limit is a named bound on what a peer, a file or a user may make us do. Each area keeps its own in `limits.ts`
 * as a table of value and reason; docs/limits.md is made from the tables.
 */
export interface Limit {
  readonly value: number;
  readonly why: string;
}
export type LimitTable<Name extends string = string> = Readonly<Record<Name, Limit>>;

/** The plain numbers of a table, for the code that keeps to them. */
export function limitValues<Name extends string>(table: LimitTable<Name>): Readonly<Record<Name, number>> {
  const entries = Object.entries<Limit>(table).map(([name, limit]) => [name, limit.value] as const);
  return Object.freeze(Object.fromEntries(entries)) as Record<Name, number>;
}
