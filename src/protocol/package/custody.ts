/**
 * `custody.jsonl`: through whose hands a package went. One JSON object a line in its RFC 8785 form, each signed by whoever had it, each
 * with the hash of the line before. Spec: docs/spec/21-packages.md §7. Shape only.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isSha256 } from '../../core/index.ts';
import { canonicalBytes, signatureSchema } from '../canonical.ts';
import { certificateSchema, nodeIdSchema, parseAs } from '../certificate.ts';
import { ProtocolError } from '../errors.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { toText, verbatim } from './package-document.ts';
import { timestampSchema } from './package-manifest.ts';
import { packageIdSchema, packageVersionSchema } from './package-names.ts';

const CUSTODY_ACTIONS = ['created', 'exported', 'imported', 'synced'] as const;
export type CustodyAction = (typeof CUSTODY_ACTIONS)[number];

/** `previous` of the first line. */
export const CUSTODY_START = '0'.repeat(64);

const digest = z.string().refine(isSha256, 'not a SHA-256 in hex');

const custodyLineSchema = z.looseObject({
  type: z.literal('custody'),
  /** From 1, without gaps. */
  seq: z.number().int().positive(),
  at: timestampSchema,
  action: z.enum(CUSTODY_ACTIONS),
  by: z.looseObject({ node_id: nodeIdSchema, name: z.string().min(1).max(PROTOCOL_LIMITS.labelChars) }),
  /** To whom or what, in the words of whoever handed it over. */
  to: z.string().max(PROTOCOL_LIMITS.packageTextChars).optional(),
  package: z.looseObject({ id: packageIdSchema, version: packageVersionSchema, manifest_sha256: digest }),
  /** SHA-256 of the line before, without its line feed. */
  previous: z.union([digest, z.literal(CUSTODY_START)]),
  certificate: verbatim(certificateSchema).optional(),
  signature: signatureSchema,
});
export type CustodyLine = z.infer<typeof custodyLineSchema>;

/** Of one line without its line feed. Throws ProtocolError `malformed`. */
export function parseCustodyLine(text: string): CustodyLine {
  const what = 'a line of custody.jsonl';
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ProtocolError('malformed', `Reading ${what}: it is not JSON`, { cause });
  }
  const line = parseAs(custodyLineSchema, value, what);
  if (formatCustodyLine(line) === `${text}\n`) return line;
  throw new ProtocolError('malformed', `Reading ${what}: it is not in canonical form`);
}

/** With its line feed. */
export function formatCustodyLine(line: CustodyLine): string {
  return `${canonicalBytes(line).toString('utf8')}\n`;
}

/** The lines of a whole file, without their line feeds. Throws ProtocolError `too_large`, `malformed`. */
export function splitCustody(given: string | Uint8Array): string[] {
  const what = 'custody.jsonl';
  const { custodyBytes, custodyLines } = PROTOCOL_LIMITS;
  const sizeBytes = typeof given === 'string' ? Buffer.byteLength(given) : given.length;
  if (sizeBytes > custodyBytes) throw tooLarge(`it has ${sizeBytes} bytes, wanted at most ${custodyBytes}`);
  const text = toText(given, what);
  if (text === '') return [];
  if (!text.endsWith('\n')) throw new ProtocolError('malformed', `Reading ${what}: its last line is cut off`);
  const lines = text.slice(0, -1).split('\n');
  if (lines.length > custodyLines) throw tooLarge(`it has ${lines.length} lines, wanted at most ${custodyLines}`);
  return lines;
}

/** What the next line's `previous` is. */
export function custodyHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

function tooLarge(fault: string): ProtocolError {
  return new ProtocolError('too_large', `Reading custody.jsonl: ${fault}`);
}
