/** Which parts of a package were copied badly: the archive that they make can only name its members. Spec: docs/spec/21-packages.md §3.4. */
import { join } from 'node:path';
import { AtmoError } from '../errors.ts';
import { checkParts, type PartReport, wordsOf } from '../parts/check-parts.ts';
import { recognisePackage } from './recognise.ts';

export interface WrongPartsOptions {
  /** Bytes read since the last call, of how many in all. */
  readonly onBytes?: (byteCount: number, totalBytes: number) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * An error for each part at this path that is not what its index says; none for what is in no parts, or in parts without an index.
 * Reads all of them. Throws AtmoError `unreadable`, `cancelled`, and what `recognisePackage` throws.
 */
export async function findWrongParts(path: string, { onBytes, signal }: WrongPartsOptions = {}): Promise<AtmoError[]> {
  const form = await recognisePackage(path);
  if (form.form !== 'parts') return [];
  const places = form.index.parts.map((part) => ({ part, path: join(form.folder, part.name) }));
  const { sizeBytes } = form.index;
  const options = {
    onBytes: (count: number) => onBytes?.(count, sizeBytes),
    ...(signal === undefined ? {} : { signal }),
  };
  const wrong = (await checkParts(places, options)).filter(({ state }) => state !== 'here');
  return wrong.map((part) => toError(part, wrong));
}

function toError(part: PartReport, wrong: readonly PartReport[]): AtmoError {
  const names = wrong.slice(0, NAMES_TOLD).map(({ name }) => name);
  const more = wrong.length > names.length ? ` and ${wrong.length - names.length} more` : '';
  const tried = `atmosphere package verify FILE  # after ${names.join(', ')}${more} was copied again`;
  return new AtmoError(part.state === 'altered' ? 'part_altered' : 'parts_missing', `${wordsOf(part)}: copy it again`, {
    data: { path: part.name, parts: wrong, try: tried },
  });
}

const NAMES_TOLD = 5;
