/** If-Match, If-None-Match and If-Range as a decision. Pure. Spec: docs/spec/05-http.md §3 no. 1, 2, 4. */
export type PreconditionOutcome = 'go' | 'go_without_range' | 'not_modified' | 'failed';

const ENTITY_TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/g;

export interface ConditionalHeaders {
  readonly 'if-match'?: string | undefined;
  readonly 'if-none-match'?: string | undefined;
  readonly 'if-range'?: string | string[] | undefined;
}

interface EntityTag {
  readonly weak: boolean;
  readonly opaque: string;
}

/** `opaque` is the current tag without its quotes; it is always strong. */
export function evaluatePreconditions(headers: ConditionalHeaders, opaque: string): PreconditionOutcome {
  const ifMatch = headers['if-match'];
  if (ifMatch !== undefined && !matches(ifMatch, (tag) => !tag.weak && tag.opaque === opaque)) return 'failed';
  const ifNoneMatch = headers['if-none-match'];
  if (ifNoneMatch !== undefined && matches(ifNoneMatch, (tag) => tag.opaque === opaque)) return 'not_modified';
  const ifRange = headers['if-range'];
  return ifRange === undefined || String(ifRange).trim() === `"${opaque}"` ? 'go' : 'go_without_range';
}

function matches(header: string, accepts: (tag: EntityTag) => boolean): boolean {
  if (header.trim() === '*') return true;
  for (const [, weak, opaque = ''] of header.matchAll(ENTITY_TAG))
    if (accepts({ weak: weak !== undefined, opaque })) return true;
  return false;
}
