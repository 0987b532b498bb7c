/** The index of a split package: its parts by name, size and SHA-256. Spec: docs/spec/21-packages.md §3. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { isSha256, messageOf, type Sha256 } from '../../core/index.ts';
import { parseRelativePath } from '../../protocol/index.ts';
import { AtmoError } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';

const sha256Schema = z.string().refine(isSha256, 'wanted a SHA-256 in lower-case hex');
const sizeSchema = z.number().int().positive().max(ATMO_LIMITS.packageBytes);
const partSchema = z.object({ name: z.string(), size_bytes: sizeSchema, sha256: sha256Schema });
const indexSchema = z.object({
  type: z.literal('package_parts'),
  package: z.string().max(200),
  size_bytes: sizeSchema,
  part_bytes: sizeSchema,
  manifest_sha256: sha256Schema,
  parts: z.array(partSchema).min(1).max(ATMO_LIMITS.parts),
});

export interface PartFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

export interface PartsIndex {
  /** Name of the package's file, without a folder. */
  readonly packageName: string;
  readonly sizeBytes: number;
  /** Of every part but the last. */
  readonly partBytes: number;
  readonly manifestSha256: Sha256;
  readonly parts: readonly PartFile[];
}

export function indexName(packageName: string): string {
  return `${packageName}.parts.json`;
}

/** `index` from 0: `name.atmo.001` is the first. */
export function partName(packageName: string, index: number): string {
  return `${packageName}.${String(index + 1).padStart(3, '0')}`;
}

/** One way to write an index, so that it has one digest. */
export function encodePartsIndex(index: PartsIndex): Buffer {
  const document = {
    type: 'package_parts',
    package: index.packageName,
    size_bytes: index.sizeBytes,
    part_bytes: index.partBytes,
    manifest_sha256: index.manifestSha256,
    parts: index.parts.map(({ name, sizeBytes, sha256 }) => ({ name, size_bytes: sizeBytes, sha256 })),
  };
  return Buffer.from(`${JSON.stringify(document, undefined, 2)}\n`);
}

/** Names an index: the SHA-256 of its one form. */
export function indexDigest(index: PartsIndex): Sha256 {
  return createHash('sha256').update(encodePartsIndex(index)).digest('hex') as Sha256;
}

/** Throws AtmoError `bad_index`, `too_large`. */
export function parsePartsIndex(bytes: Uint8Array): PartsIndex {
  if (bytes.length > ATMO_LIMITS.partsIndexBytes)
    throw new AtmoError(
      'too_large',
      `Reading an index of parts: ${bytes.length} bytes, at most ${ATMO_LIMITS.partsIndexBytes}`,
    );
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (cause) {
    throw bad(`it is no JSON: ${messageOf(cause)}`);
  }
  const parsed = indexSchema.safeParse(json);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    throw bad(`${issue?.path.join('.') || 'the whole'}: ${issue?.message ?? 'malformed'}`);
  }
  const { package: packageName, size_bytes: sizeBytes, part_bytes: partBytes, manifest_sha256, parts } = parsed.data;
  const index = {
    packageName,
    sizeBytes,
    partBytes,
    manifestSha256: manifest_sha256 as Sha256,
    parts: parts.map(({ name, size_bytes, sha256 }) => ({ name, sizeBytes: size_bytes, sha256: sha256 as Sha256 })),
  };
  assertConsistent(index);
  return index;
}

/** Names and sizes follow from the package; an index that says otherwise could name any file. */
function assertConsistent({ packageName, sizeBytes, partBytes, parts }: PartsIndex): void {
  if (packageName.includes('/') || !packageName.endsWith('.atmo'))
    throw bad(`the package is called ${JSON.stringify(packageName)}, wanted a name that ends in .atmo`);
  try {
    parseRelativePath(packageName);
  } catch (thrown) {
    throw bad(messageOf(thrown));
  }
  if (parts.length !== Math.ceil(sizeBytes / partBytes))
    throw bad(`${parts.length} parts of ${partBytes} bytes do not make ${sizeBytes}`);
  for (const [index, part] of parts.entries()) {
    const wanted = {
      name: partName(packageName, index),
      sizeBytes: Math.min(partBytes, sizeBytes - index * partBytes),
    };
    if (part.name !== wanted.name) throw bad(`a part is called ${JSON.stringify(part.name)}, wanted ${wanted.name}`);
    if (part.sizeBytes !== wanted.sizeBytes)
      throw bad(`${part.name} has ${part.sizeBytes} bytes, wanted ${wanted.sizeBytes}`);
  }
}

function bad(words: string): AtmoError {
  return new AtmoError('bad_index', `Reading an index of parts: ${words}`);
}
