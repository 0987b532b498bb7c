/** `checksums.sha256`, as `sha256sum` writes it. Spec: docs/spec/21-packages.md §1.2. Pure. */
import type { Sha256 } from '../../core/index.ts';

export interface ReadChecksums {
  readonly digests: ReadonlyMap<string, Sha256>;
  /** What is wrong with which line. */
  readonly faults: readonly string[];
}

const LINE = /^([0-9a-f]{64}) [ *](.+)$/;

export function readChecksums(bytes: Uint8Array): ReadChecksums {
  const text = Buffer.from(bytes).toString('utf8');
  const digests = new Map<string, Sha256>();
  const faults: string[] = [];
  if (text !== '' && !text.endsWith('\n')) faults.push('its last line is cut off');
  for (const [index, line] of text.split('\n').slice(0, -1).entries()) {
    const [, digest, path] = LINE.exec(line) ?? [];
    if (digest === undefined || path === undefined)
      faults.push(`line ${index + 1} is not 64 small hex digits, two spaces and a path`);
    else if (digests.has(path)) faults.push(`line ${index + 1} lists ${path} again`);
    else digests.set(path, digest as Sha256);
  }
  return { digests, faults };
}
