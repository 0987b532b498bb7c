/**
 * The file list of a model of several files. It is a blob itself: its canonical bytes' SHA-256 is the model's digest.
 * Spec: docs/spec/01-content.md §5.
 */
import { z } from 'zod';
import { compareText } from '../core/index.ts';
import { canonicalBytes } from './canonical.ts';
import { pieceRootSchema, sha256Schema } from './catalog.ts';
import { ProtocolError } from './errors.ts';
import { reasonOf } from './lenient.ts';
import { PROTOCOL_LIMITS } from './limits.ts';
import { parseRelativePath } from './names.ts';

const fileSchema = z.object({
  path: z.string(),
  size_bytes: z.number().int().nonnegative().max(PROTOCOL_LIMITS.blobBytes),
  sha256: sha256Schema,
  piece_root: pieceRootSchema,
});
export type FileSetFile = z.infer<typeof fileSchema>;

const fileSetSchema = z.object({
  type: z.literal('file_set'),
  files: z.array(fileSchema).min(1).max(PROTOCOL_LIMITS.fileSetFiles),
});
export type FileSet = z.infer<typeof fileSetSchema>;

/** Checked, sorted by path in code unit order. Throws for unsafe paths and paths that collide without case. */
export function toFileSet(files: readonly FileSetFile[]): FileSet {
  const sorted = [...files].sort((a, b) => compareText(a.path, b.path));
  assertDistinctPaths(sorted);
  return { type: 'file_set', files: sorted };
}

export function fileSetBytes(set: FileSet): Buffer {
  return canonicalBytes(set);
}

/** Parses a file list's bytes. They must be canonical, or one list would have two digests. */
export function parseFileSet(bytes: Uint8Array): FileSet {
  if (bytes.length > PROTOCOL_LIMITS.fileSetBytes)
    throw new ProtocolError(
      'too_large',
      `Reading a file list: ${bytes.length} bytes, at most ${PROTOCOL_LIMITS.fileSetBytes}`,
    );
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw new ProtocolError('malformed', 'Reading a file list: it is not JSON', { cause });
  }
  const parsed = fileSetSchema.safeParse(json);
  if (!parsed.success) throw new ProtocolError('malformed', `Reading a file list: ${reasonOf(parsed.error)}`);
  const set = toFileSet(parsed.data.files);
  if (!fileSetBytes(set).equals(bytes))
    throw new ProtocolError('malformed', 'Reading a file list: it is not in canonical form');
  return set;
}

function assertDistinctPaths(files: readonly FileSetFile[]): void {
  const seen = new Set<string>();
  for (const { path } of files) {
    parseRelativePath(path);
    const folded = path.normalize('NFC').toLowerCase();
    const parents = folded.split('/').map((_, index, parts) => parts.slice(0, index).join('/'));
    if (seen.has(folded) || parents.some((parent) => seen.has(`${parent}\u0000file`)))
      throw new ProtocolError(
        'unsafe_name',
        `Reading a file list: two files would share the path ${JSON.stringify(path)}`,
      );
    seen.add(folded);
    seen.add(`${folded}\u0000file`);
  }
}
