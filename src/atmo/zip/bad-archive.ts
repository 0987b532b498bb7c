/** What is wrong with an archive, by a closed set of words. Spec: docs/spec/21-packages.md §2. */
import { AtmoError } from '../errors.ts';

export type ArchiveFault =
  | 'comment'
  | 'data_descriptor'
  | 'directory'
  | 'extra_field'
  | 'flags'
  | 'gap'
  | 'header_differs'
  | 'leading_bytes'
  | 'member_size'
  | 'multi_disk'
  | 'name'
  | 'order'
  | 'overlap'
  | 'trailing_bytes'
  | 'zip64';

export function badArchive(fault: ArchiveFault, words: string, member?: string): AtmoError {
  const where = member === undefined ? '' : `${JSON.stringify(shown(member))}: `;
  return new AtmoError('bad_archive', `Reading the archive: ${where}${words}`, {
    data: { fault, ...(member === undefined ? {} : { path: member }) },
  });
}

function shown(name: string): string {
  return name.length > 120 ? `${name.slice(0, 120)}…` : name;
}
