/**
 * What could be a pickle in an archive: every member by its content, whatever it is called, and archives within. Flags, checksums
 * and names of its headers are not believed, for loaders ignore them too. Spec: docs/spec/07-formats.md §5.2, §5.4.
 */
import { beginsPickle, contentKindOf } from './content-kind.ts';
import { bufferSource, type HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { type Listing, listPickles } from './list-pickles.ts';
import { readHead, sourceWindow } from './source-window.ts';
import { type Packing, unpack } from './unpack.ts';
import { readZipMembers, type ZipMember } from './zip-directory.ts';

/** What of one file is still allowed, over all its archives. */
export interface ArchiveBudget extends Listing {
  unpackedBytes: number;
  /** Members that were looked into. */
  members: number;
}

const HEAD_BYTES = 512;
const LOCAL_HEADER_BYTES = 30;
const LOCAL_MAGIC = 0x04034b50;
const STORED = 0;
const DEFLATED = 8;

export function archiveBudget(listing: Listing): ArchiveBudget {
  return { ...listing, unpackedBytes: FORMATS_LIMITS.inflatedBytesInAll, members: 0 };
}

/** False where there is no directory to be read: nothing is known then. */
export async function listArchive(source: HeaderSource, budget: ArchiveBudget, depth = 0): Promise<boolean> {
  const members = await readZipMembers(source);
  if (members === undefined) {
    budget.findings.fault('the archive has no directory that can be read');
    return false;
  }
  for (const member of members) {
    budget.members += 1;
    if (budget.members > FORMATS_LIMITS.zipSniffedMembers) {
      budget.findings.fault(`more than ${FORMATS_LIMITS.zipSniffedMembers} members: the rest was not looked into`);
      return true;
    }
    await listMember(source, member, budget, depth);
  }
  return true;
}

async function listMember(source: HeaderSource, member: ZipMember, budget: ArchiveBudget, depth: number) {
  const packed = await memberData(source, member);
  const label = member.name.slice(0, 80);
  if (packed === undefined) return budget.findings.fault(`${label}: its header is not where the directory says`);
  const encrypted = member.isEncrypted ? ', and says that it is encrypted' : '';
  if (member.method === STORED) return await listContent(packed, label, budget, depth);
  if (member.method !== DEFLATED)
    return budget.findings.fault(`${label}: packed by method ${member.method}${encrypted}, which is not read here`);
  const head = await unpack(packed, 'deflate', HEAD_BYTES);
  if (isOfInterest(head.bytes, label)) await listPacked(packed, 'deflate', { label, budget, depth });
  else if (head.bytes.length === 0 && packed.sizeBytes > 2)
    budget.findings.fault(`${label}: ${head.fault ?? 'is empty'}${encrypted}`);
}

/** By the sizes of the directory, as loaders do. */
async function memberData(
  source: HeaderSource,
  { headerOffset, packedBytes }: ZipMember,
): Promise<HeaderSource | undefined> {
  const head = await readHead(sourceWindow(source, headerOffset, LOCAL_HEADER_BYTES), LOCAL_HEADER_BYTES);
  if (headerOffset < 0 || head.length < LOCAL_HEADER_BYTES || head.readUInt32LE(0) !== LOCAL_MAGIC) return undefined;
  const dataAt = headerOffset + LOCAL_HEADER_BYTES + head.readUInt16LE(26) + head.readUInt16LE(28);
  return sourceWindow(source, dataAt, packedBytes);
}

function isOfInterest(head: Buffer, name: string): boolean {
  const kind = contentKindOf(head, name);
  return kind !== 'other' && kind !== 'onnx' && kind !== 'safetensors' && kind !== 'gguf';
}

export interface PackedPlace {
  readonly label: string;
  readonly budget: ArchiveBudget;
  readonly depth: number;
}

export async function listPacked(packed: HeaderSource, packing: Packing, place: PackedPlace): Promise<void> {
  const { label, budget, depth } = place;
  const most = Math.min(FORMATS_LIMITS.inflatedBytes, budget.unpackedBytes);
  const { bytes, fault } = await unpack(packed, packing, most);
  budget.unpackedBytes -= bytes.length;
  if (fault !== undefined) budget.findings.fault(`${label}: ${fault}`);
  await listContent(bufferSource(bytes), label, budget, depth);
}

/** Anything that may hold a pickle, by what it is. */
export async function listContent(
  source: HeaderSource,
  label: string,
  budget: ArchiveBudget,
  depth: number,
): Promise<void> {
  const head = await readHead(source, HEAD_BYTES);
  const kind = contentKindOf(head, label);
  const inner = { label, budget, depth: depth + 1 };
  if (depth > FORMATS_LIMITS.nestedArchives) {
    if (isOfInterest(head, label)) budget.findings.fault(`${label}: nested more than ${depth - 1} deep`);
    return;
  }
  switch (kind) {
    case 'pickle':
      return await listPickles(source, budget);
    case 'zip':
      await listArchive(source, budget, depth + 1);
      return;
    case 'gzip':
    case 'zlib':
    case 'zstd':
      return await listPacked(source, kind, inner);
    case 'numpy':
      return await listNumpy(source, label, budget);
    case 'bzip2':
    case 'xz':
    case 'lzma':
    case 'lz4':
    case '7z':
    case 'rar':
      return budget.findings.fault(`${label}: ${kind}, which is not unpacked here`);
    case 'tar':
      return await listPickles(source, budget);
    default:
      if (beginsPickle(head)) await listPickles(source, budget);
  }
}

/** An array of objects is a pickle behind the header. */
async function listNumpy(source: HeaderSource, label: string, budget: ArchiveBudget): Promise<void> {
  const head = await readHead(source, FORMATS_LIMITS.windowBytes);
  const isWide = (head[6] ?? 1) > 1;
  const lengthBytes = isWide ? 4 : 2;
  if (head.length < 8 + lengthBytes) return budget.findings.fault(`${label}: its header is cut off`);
  const dataAt = 8 + lengthBytes + head.readUIntLE(8, lengthBytes);
  const text = head.toString('latin1', 8 + lengthBytes, Math.min(dataAt, head.length));
  if (dataAt > head.length) budget.findings.fault(`${label}: a header of more than ${head.length} bytes`);
  if (/[|'"<>=]O/.test(text)) await listPickles(sourceWindow(source, dataAt, source.sizeBytes - dataAt), budget);
}
