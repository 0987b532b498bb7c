/**
 * A package read from an archive. Opening it reads its end and its central directory; a member's local header is compared before the first
 * of its bytes is given out. Owns the bytes it reads from. Spec: docs/spec/21-packages.md §2.
 */
import { AtmoError, assertGoesOn } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import type { PackageEntry, PackageSource } from '../ports.ts';
import type { ByteSource } from '../source/byte-source.ts';
import { type ArchiveMember, readDirectory } from './read-directory.ts';
import { readEnd, TAIL_BYTES } from './read-end.ts';
import { checkLocalHeader, localHeaderBytes } from './read-local.ts';

export class ArchiveSource implements PackageSource {
  readonly name: string;
  readonly sizeBytes: number;
  readonly entries: readonly PackageEntry[];
  readonly #bytes: ByteSource;
  readonly #members: ReadonlyMap<string, ArchiveMember>;
  readonly #checked = new Set<string>();

  private constructor(bytes: ByteSource, members: readonly ArchiveMember[]) {
    this.#bytes = bytes;
    this.name = bytes.name;
    this.sizeBytes = bytes.sizeBytes;
    this.#members = new Map(members.map((member) => [member.path, member]));
    this.entries = members
      .filter(({ path }) => !path.endsWith('/'))
      .map(({ path, sizeBytes }) => ({ path, sizeBytes }));
  }

  /** Closes `bytes` when it fails. Throws AtmoError. */
  static async open(bytes: ByteSource): Promise<ArchiveSource> {
    try {
      return new ArchiveSource(bytes, await readMembers(bytes));
    } catch (thrown) {
      await bytes[Symbol.asyncDispose]();
      throw thrown;
    }
  }

  async read(path: string, buffer: Buffer, position: number): Promise<number> {
    const member = this.#members.get(path);
    if (member === undefined || path.endsWith('/'))
      throw new AtmoError('member_not_found', `Reading ${this.name}: it has no ${path}`, { data: { path } });
    if (!this.#checked.has(path)) await this.#checkHeader(member);
    const left = Math.max(0, member.sizeBytes - position);
    const wanted = buffer.subarray(0, Math.min(buffer.length, left));
    await readExactly(this.#bytes, wanted, member.end - left);
    return wanted.length;
  }

  /** Some at a time: one after the other they would take the time of thousands of small reads. */
  async checkLayout(signal?: AbortSignal): Promise<void> {
    const unchecked = [...this.#members.values()].filter(({ path }) => !this.#checked.has(path));
    for (let at = 0; at < unchecked.length; at += ATMO_LIMITS.headersAtOnce) {
      assertGoesOn(signal, `Checking ${this.name}`);
      const some = unchecked.slice(at, at + ATMO_LIMITS.headersAtOnce);
      for (const end of await Promise.allSettled(some.map((member) => this.#checkHeader(member))))
        if (end.status === 'rejected') throw end.reason;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#bytes[Symbol.asyncDispose]();
  }

  async #checkHeader(member: ArchiveMember): Promise<void> {
    const header = Buffer.alloc(localHeaderBytes(member));
    await readExactly(this.#bytes, header, member.offset);
    checkLocalHeader(header, member);
    this.#checked.add(member.path);
  }
}

async function readMembers(bytes: ByteSource): Promise<ArchiveMember[]> {
  if (bytes.sizeBytes > ATMO_LIMITS.packageBytes)
    throw new AtmoError(
      'too_large',
      `Reading ${bytes.name}: ${bytes.sizeBytes} bytes, at most ${ATMO_LIMITS.packageBytes}`,
    );
  const tail = Buffer.alloc(Math.min(TAIL_BYTES, bytes.sizeBytes));
  await readExactly(bytes, tail, bytes.sizeBytes - tail.length);
  const facts = readEnd(tail, bytes.sizeBytes);
  const directory = Buffer.alloc(facts.sizeBytes);
  await readExactly(bytes, directory, facts.offset);
  return readDirectory(directory, facts);
}

/** Throws AtmoError `truncated` where the medium has fewer bytes than when it was opened. */
async function readExactly(bytes: ByteSource, buffer: Buffer, position: number): Promise<void> {
  const count = await bytes.read(buffer, position);
  if (count < buffer.length)
    throw new AtmoError(
      'truncated',
      `Reading ${bytes.name}: it ends at ${position + count}, wanted ${position + buffer.length} bytes`,
    );
}
