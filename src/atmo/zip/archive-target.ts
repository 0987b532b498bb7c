/**
 * Writes a package as an archive: stored members in the order given, the same bytes for the same members and `created`. A member's size is
 * known before it is written, its CRC-32 is put into its header afterwards: there are no data descriptors. Nothing has its name before all
 * of it is on the medium. Spec: docs/spec/21-packages.md §2.
 */
import { crc32 } from 'node:zlib';
import type { Sha256 } from '../../core/index.ts';
import { Copier } from '../copy/copier.ts';
import type { MemberDigests } from '../copy/member-digest.ts';
import { type OpenedContent, openContent } from '../copy/open-content.ts';
import { OutputFiles } from '../copy/output-files.ts';
import { AtmoError, assertGoesOn } from '../errors.ts';
import { ATMO_LIMITS } from '../limits.ts';
import { partsOutput, writePartsIndex } from '../parts/parts-output.ts';
import type { MemberToWrite, PackageTarget, WrittenFile, WrittenMember } from '../ports.ts';
import { PathSet } from '../source/path-set.ts';
import { toWrittenMember } from '../source/written-member.ts';
import { type DosTime, toDosTime } from './dos-time.ts';
import { encodeCentralHeader, encodeEnd, encodeLocalHeader, LOCAL_CRC_AT, type MemberRecord } from './records.ts';

export interface ArchiveTargetOptions {
  /** Of the archive; its parts are called `<path>.001` and so on. */
  readonly path: string;
  /** The time of every member. */
  readonly created: Date;
  /** Slices of so many bytes and an index instead of one file. */
  readonly partBytes?: number;
  readonly replaces?: boolean;
  /** Bytes written since the last call. */
  readonly onBytes?: (byteCount: number) => void;
  /** Bytes of parts that were read back for their digests, since the last call. */
  readonly onReadBack?: (byteCount: number) => void;
}

export class ArchiveTarget implements PackageTarget {
  readonly #options: ArchiveTargetOptions;
  readonly #time: DosTime;
  readonly #output: OutputFiles;
  readonly #copier = new Copier();
  readonly #paths = new PathSet();
  readonly #records = new Map<string, MemberRecord>();
  readonly #reserved = new Set<string>();
  #manifestSha256: Sha256 | undefined;
  #end = 0;
  /** A member of which only a part was written cannot be taken back. */
  #isBroken = false;

  constructor(options: ArchiveTargetOptions) {
    this.#options = options;
    this.#time = toDosTime(options.created);
    const { path, partBytes, replaces = false } = options;
    this.#output =
      partBytes === undefined
        ? new OutputFiles({ nameOf: () => path, sliceBytes: Number.MAX_SAFE_INTEGER, maxSlices: 1, replaces })
        : partsOutput(path, partBytes, replaces);
  }

  async reserve(path: string, sizeBytes: number): Promise<void> {
    const record = await this.#begin(path, sizeBytes);
    await this.#output.write(Buffer.alloc(sizeBytes), this.#end);
    this.#end += record.sizeBytes;
    this.#reserved.add(path);
  }

  async fill(path: string, bytes: Uint8Array): Promise<WrittenMember> {
    const record = this.#records.get(path);
    if (record === undefined || record.sizeBytes !== bytes.length || !this.#reserved.delete(path))
      throw new AtmoError('digest_mismatch', `Writing ${path}: ${bytes.length} bytes, no room was kept for them`);
    const filled = { ...record, crc: crc32(bytes) };
    const header = encodeLocalHeader(filled);
    await this.#output.write(Buffer.concat([header, bytes]), record.offset);
    this.#records.set(path, filled);
    return this.#written(path, bytes.length, await this.#copier.copy(inMemory(path, bytes)));
  }

  async add(member: MemberToWrite, signal?: AbortSignal): Promise<WrittenMember> {
    const content = await openContent(member);
    this.#isBroken = true;
    const digests = await this.#copy(member, content, signal).finally(() => content.close());
    const written = this.#written(member.path, member.sizeBytes, digests, member);
    await this.#putCrc(member.path, digests.crc);
    this.#isBroken = false;
    return written;
  }

  async finish(signal?: AbortSignal): Promise<readonly WrittenFile[]> {
    if (this.#isBroken)
      throw new AtmoError('truncated', `Writing ${this.#options.path}: its last file was not written whole`);
    if (this.#reserved.size > 0)
      throw new AtmoError(
        'truncated',
        `Writing ${this.#options.path}: ${[...this.#reserved].join(', ')} was not filled`,
      );
    await this.#writeDirectory();
    await this.#output.sync();
    assertGoesOn(signal, `Writing ${this.#options.path}`);
    const index = await this.#writeIndex(signal);
    const files = await this.#output.publish();
    return index === undefined ? files : [...files, await index.publish()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#copier.close();
    await this.#output.discard();
  }

  async #begin(path: string, sizeBytes: number): Promise<MemberRecord> {
    this.#paths.add(path);
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0 || sizeBytes > ATMO_LIMITS.memberBytes)
      throw new AtmoError('too_large', `Writing ${path}: ${sizeBytes} bytes, at most ${ATMO_LIMITS.memberBytes}`);
    const record = { name: Buffer.from(path), sizeBytes, crc: 0, ...this.#time, offset: this.#end };
    this.#records.set(path, record);
    const header = encodeLocalHeader(record);
    await this.#output.write(header, this.#end);
    this.#end += header.length;
    return record;
  }

  async #copy(member: MemberToWrite, content: OpenedContent, signal?: AbortSignal): Promise<MemberDigests> {
    const { path, sizeBytes, wantsPieceRoot = false } = member;
    const record = await this.#begin(path, sizeBytes);
    const start = this.#end;
    const { onBytes } = this.#options;
    const digests = await this.#copier.copy({
      doing: `Packing ${path}`,
      sizeBytes,
      wantsPieceRoot,
      from: content,
      write: (bytes, position) => this.#output.write(bytes, start + position),
      ...(onBytes === undefined ? {} : { onBytes }),
      signal,
    });
    this.#end += record.sizeBytes;
    return digests;
  }

  async #putCrc(path: string, crc: number): Promise<void> {
    const record = this.#records.get(path) as MemberRecord;
    this.#records.set(path, { ...record, crc });
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32LE(crc);
    await this.#output.write(bytes, record.offset + LOCAL_CRC_AT);
  }

  #written(path: string, sizeBytes: number, digests: MemberDigests, wanted?: MemberToWrite): WrittenMember {
    if (path === 'manifest.yaml') this.#manifestSha256 = digests.sha256;
    return toWrittenMember(
      { path, sizeBytes, ...(wanted?.sha256 === undefined ? {} : { sha256: wanted.sha256 }) },
      digests,
    );
  }

  async #writeDirectory(): Promise<void> {
    const offset = this.#end;
    const headers = [...this.#records.values()].map(encodeCentralHeader);
    const directory = Buffer.concat(headers);
    if (directory.length > ATMO_LIMITS.directoryBytes)
      throw new AtmoError(
        'too_large',
        `Writing ${this.#options.path}: its directory has ${directory.length} bytes, at most ${ATMO_LIMITS.directoryBytes}`,
      );
    const end = encodeEnd({ members: headers.length, offset, sizeBytes: directory.length });
    await this.#output.write(Buffer.concat([directory, end]), offset);
  }

  async #writeIndex(signal: AbortSignal | undefined) {
    const { path, partBytes, replaces = false, onReadBack } = this.#options;
    if (partBytes === undefined) return undefined;
    const manifestSha256 = this.#manifestSha256;
    return await writePartsIndex({
      path,
      partBytes,
      replaces,
      output: this.#output,
      copier: this.#copier,
      manifestSha256,
      onReadBack,
      signal,
    });
  }
}

function inMemory(path: string, bytes: Uint8Array) {
  const read = async (buffer: Buffer, position: number) => {
    const some = bytes.subarray(position, position + buffer.length);
    buffer.set(some);
    return some.length;
  };
  return { doing: `Writing ${path}`, sizeBytes: bytes.length, from: { read } };
}
