/**
 * What a node says when it is asked for a difference. Spec: docs/spec/22-differences.md §7.1. A peer controls every field: counts and
 * sizes are bounded here, whether they are worth anything the asker decides.
 */
import { z } from 'zod';
import { isSha256, type PieceRoot, type Sha256 } from '../core/index.ts';
import { ProtocolError } from './errors.ts';
import { reasonOf } from './lenient.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

/** One difference: a blob that makes `target` of `base`. */
export interface DifferenceLink {
  readonly base: Sha256;
  readonly target: Sha256;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceRoot: PieceRoot;
}

export type DifferenceAnswer =
  /** One after the other, from a base that the asker has to what it wants. */
  | { readonly state: 'made'; readonly chain: readonly DifferenceLink[] }
  | { readonly state: 'making'; readonly percent: number; readonly retryAfterMs: number };

const digest = z.string().refine(isSha256, 'not a SHA-256 in hex');
const linkSchema = z.looseObject({
  base: digest,
  target: digest,
  sha256: digest,
  size_bytes: z.number().int().positive().max(PROTOCOL_LIMITS.blobBytes),
  piece_root: z.string().regex(/^[0-9a-f]{64}$/, 'not a piece root in hex'),
});

/** As it stands in JSON. */
export const differenceAnswerSchema = z.discriminatedUnion('state', [
  z.looseObject({
    state: z.literal('made'),
    chain: z.array(linkSchema).min(1).max(PROTOCOL_LIMITS.differenceChain),
    total_bytes: z.number().int().positive(),
  }),
  z.looseObject({
    state: z.literal('making'),
    percent: z.number().min(0).max(100),
    retry_after_ms: z.number().int().nonnegative().max(PROTOCOL_LIMITS.differenceRetryMs),
  }),
]);

/** Throws ProtocolError `malformed`, `too_large`. */
export function parseDifferenceAnswer(bytes: Uint8Array): DifferenceAnswer {
  const parsed = differenceAnswerSchema.safeParse(parseJson(bytes));
  if (!parsed.success) throw malformed(reasonOf(parsed.error), parsed.error);
  if (parsed.data.state === 'making') {
    const { percent, retry_after_ms: retryAfterMs } = parsed.data;
    return { state: 'making', percent, retryAfterMs };
  }
  const chain = parsed.data.chain.map(toLink);
  const broken = chain.findIndex(({ base }, place) => place > 0 && base !== chain[place - 1]?.target);
  if (broken >= 0) throw malformed(`chain.${broken}: its base is not the target of the one before`);
  const totalBytes = totalBytesOf(chain);
  if (totalBytes !== parsed.data.total_bytes)
    throw malformed(`total_bytes is ${parsed.data.total_bytes}, and the chain has ${totalBytes}`);
  return { state: 'made', chain };
}

export function encodeDifferenceAnswer(answer: DifferenceAnswer): Buffer {
  return Buffer.from(JSON.stringify(toWire(answer)));
}

export function totalBytesOf(chain: readonly Pick<DifferenceLink, 'sizeBytes'>[]): number {
  return chain.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

function toWire(answer: DifferenceAnswer): z.input<typeof differenceAnswerSchema> {
  if (answer.state === 'making') {
    const { state, percent, retryAfterMs } = answer;
    return { state, percent, retry_after_ms: retryAfterMs };
  }
  const chain = answer.chain.map(({ base, target, sha256, sizeBytes, pieceRoot }) => ({
    ...{ base, target, sha256, size_bytes: sizeBytes, piece_root: pieceRoot },
  }));
  return { state: 'made', chain, total_bytes: totalBytesOf(answer.chain) };
}

function toLink({ base, target, sha256, size_bytes, piece_root }: z.output<typeof linkSchema>): DifferenceLink {
  return {
    base: base as Sha256,
    target: target as Sha256,
    sha256: sha256 as Sha256,
    sizeBytes: size_bytes,
    pieceRoot: piece_root as PieceRoot,
  };
}

function parseJson(bytes: Uint8Array): unknown {
  if (bytes.length > PROTOCOL_LIMITS.differenceAnswerBytes) {
    const what = `${bytes.length} bytes, at most ${PROTOCOL_LIMITS.differenceAnswerBytes}`;
    throw new ProtocolError('too_large', `Reading an answer about a difference: ${what}`);
  }
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
}

function malformed(what: string, cause?: unknown): ProtocolError {
  return new ProtocolError('malformed', `Reading an answer about a difference: ${what}`, { cause });
}
