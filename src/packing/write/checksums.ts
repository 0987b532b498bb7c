/** `checksums.sha256`, as `sha256sum -c` reads it: two spaces, the path. Pure. Spec: docs/spec/21-packages.md §2. */
export interface Checked {
  readonly path: string;
  readonly sha256: string;
}

export function formatChecksums(files: readonly Checked[]): string {
  return files.map(({ path, sha256 }) => `${sha256}  ${path}\n`).join('');
}
