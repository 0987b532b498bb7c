/** The YAML files of a package: read with the line of every mistake, and written the same each time. Spec: docs/spec/21-packages.md §4. */
import { stringify } from 'yaml';
import { z } from 'zod';
import { ProtocolError } from '../errors.ts';
import { reasonOf } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { documentError, parseYamlText } from '../yaml-text.ts';

export interface DocumentReading<T> {
  /** For messages: `a package’s manifest`. */
  readonly what: string;
  readonly maxBytes: number;
  readonly schema: z.ZodType<T>;
  readonly isText: (keys: readonly string[]) => boolean;
}

/** Of a file that somebody wrote by hand. Throws ProtocolError `bad_document` with `data.problems`. */
export function readDocument<T>(text: string, { what, maxBytes, schema, isText }: DocumentReading<T>): T {
  const { value, placeOf } = parseYamlText(text, { what, maxBytes, isText, maxDepth: PROTOCOL_LIMITS.packageDepth });
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw documentError(
    what,
    parsed.error.issues.slice(0, PROTOCOL_LIMITS.documentProblems).map((issue) => ({
      ...placeOf(issue.path),
      path: issue.path.join('.'),
      message: reasonOf(new z.ZodError([{ ...issue, path: [] }])),
    })),
  );
}

/** Of a file that came from elsewhere. Throws ProtocolError `too_large`, `malformed` with `data.problems`. */
export function readForeignDocument<T>(given: string | Uint8Array, reading: DocumentReading<T>): T {
  const { what, maxBytes } = reading;
  const sizeBytes = typeof given === 'string' ? Buffer.byteLength(given) : given.length;
  if (sizeBytes > maxBytes)
    throw new ProtocolError('too_large', `Reading ${what}: it has ${sizeBytes} bytes, wanted at most ${maxBytes}`);
  const text = toText(given, what);
  const marks = countMarks(text);
  if (marks > PROTOCOL_LIMITS.packageMarks)
    throw new ProtocolError(
      'too_large',
      `Reading ${what}: it has ${marks} line ends, names, brackets and other marks of YAML, wanted at most ${PROTOCOL_LIMITS.packageMarks}`,
    );
  try {
    return readDocument(text, reading);
  } catch (thrown) {
    if (!(thrown instanceof ProtocolError) || thrown.code !== 'bad_document') throw thrown;
    throw new ProtocolError('malformed', thrown.message, { data: thrown.data, cause: thrown });
  }
}

/** What a reader of YAML makes something of, and takes time for. */
function countMarks(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (MARKS.has(code) || (MARKS_BEFORE_SPACE.has(code) && isSpaceAt(text, at + 1))) count += 1;
  }
  return count;
}

const MARKS: ReadonlySet<number> = new Set(Buffer.from('\n\r,[]{}\\&*!?%"\''));

/** Elsewhere they are letters of dates, digests and names. */
const MARKS_BEFORE_SPACE: ReadonlySet<number> = new Set(Buffer.from(':-#'));

function isSpaceAt(text: string, at: number): boolean {
  return at >= text.length || ' \t\r\n'.includes(text.charAt(at));
}

/** Throws ProtocolError `malformed` for bytes that are not UTF-8. */
export function toText(given: string | Uint8Array, what: string): string {
  if (typeof given === 'string') return given;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(given);
  } catch (cause) {
    throw new ProtocolError('malformed', `Reading ${what}: it is not UTF-8 text`, { cause });
  }
}

export function writeDocument(value: object): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** Known keys in the order in which they are given, then the others in the order of their code units. */
export function inOrder(fields: object, known: readonly string[]): Record<string, unknown> {
  const others = Object.keys(fields).filter((key) => !known.includes(key));
  const entries = [...known, ...others.sort()].map((key) => [key, (fields as Record<string, unknown>)[key]] as const);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** Checked against a schema and kept exactly as it was given: what a signature covers is not rewritten. */
export function verbatim<T>(schema: z.ZodType<T>) {
  return z.unknown().transform((value, context): T => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return value as T;
    for (const issue of parsed.error.issues) context.issues.push({ ...issue, input: value } as z.core.$ZodRawIssue);
    return z.NEVER;
  });
}
