/**
 * Files of a package on their way into the store: read once, in blocks, hashed by a thread, a piece entered in the part's journal when
 * its bytes are written. What an earlier run left of a file is read back from the store and not from the medium. Nothing has a name
 * before its SHA-256 and its piece root are those of the signed manifest. Spec: docs/spec/21-packages.md §8.
 */
import { Copier, type MemberDigests, type ReadableBytes } from '../../atmo/index.ts';
import { Bitfield, pieceLayout } from '../../content/index.ts';
import type { PieceRoot, Sha256 } from '../../core/index.ts';
import type { Registry } from '../../registry/index.ts';
import { type BlobSpec, type BlobStore, type BlobWriter, StoreError } from '../../store/index.ts';
import { PackageError } from './errors.ts';
import { PACKAGE_LIMITS } from './limits.ts';

export interface WantedMember {
  /** In the package, for messages. */
  readonly path: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceRoot: PieceRoot;
}

export interface IntakeOptions {
  /** `isRead`: they came from the package, not from what was here. */
  readonly onBytes?: (byteCount: number, isRead: boolean) => void;
  readonly signal?: AbortSignal | undefined;
}

export interface IntakeDeps {
  readonly store: BlobStore;
  readonly pieceLists: Registry['pieceLists'];
}

export class MemberIntake implements AsyncDisposable {
  readonly #deps: IntakeDeps;
  readonly #copier = new Copier();

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  async isHere({ sha256 }: Pick<WantedMember, 'sha256'>): Promise<boolean> {
    return (await this.#deps.store.stat(sha256)) !== undefined;
  }

  /** Throws PackageError `bad_member`, AtmoError of the package, StoreError of the disk; then what was stored of it stays. */
  async take(member: WantedMember, from: ReadableBytes, options: IntakeOptions = {}): Promise<void> {
    if (await this.isHere(member)) return;
    if (member.sizeBytes <= PACKAGE_LIMITS.smallMemberBytes) return await this.#takeSmall(member, from, options);
    await using writer = await this.#openWrite(member);
    if (writer === undefined) return;
    const through = new ThroughPart(writer, from, options);
    const digests = await this.#copier.copy({
      ...{ doing: `Storing ${member.path}`, sizeBytes: member.sizeBytes, wantsPieceRoot: true, from: through },
      ...{ write: (bytes, position) => through.write(bytes, position), signal: options.signal },
    });
    if (!isWanted(member, digests)) {
      await writer.discard();
      throw badMember(member, digests);
    }
    this.#putPieces(member, digests);
    await writer.finish();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#copier.close();
  }

  async #takeSmall(member: WantedMember, from: ReadableBytes, { onBytes, signal }: IntakeOptions): Promise<void> {
    const whole = Buffer.alloc(member.sizeBytes);
    const digests = await this.#copier.copy({
      ...{ doing: `Storing ${member.path}`, sizeBytes: member.sizeBytes, wantsPieceRoot: true, from, signal },
      write: async (bytes, position) => {
        bytes.copy(whole, position);
      },
    });
    if (!isWanted(member, digests)) throw badMember(member, digests);
    this.#putPieces(member, digests);
    await this.#deps.store.put(member.sha256, whole);
    onBytes?.(member.sizeBytes, true);
  }

  /** Before the blob has its name: what is offered must have its list. */
  #putPieces({ sha256, sizeBytes, pieceRoot }: WantedMember, { pieceHashes }: MemberDigests): void {
    const hashes = Buffer.from(pieceHashes ?? []);
    this.#deps.pieceLists.put(sha256, { sizeBytes, pieceRoot, hashes });
  }

  /** Undefined where it has come meanwhile. */
  async #openWrite(member: WantedMember): Promise<BlobWriter | undefined> {
    try {
      return await this.#deps.store.openWrite(specOf(member));
    } catch (thrown) {
      if (thrown instanceof StoreError && thrown.code === 'blob_exists') return undefined;
      throw thrown;
    }
  }
}

export function specOf({ sha256, sizeBytes, pieceRoot }: WantedMember): BlobSpec {
  return { sha256, sizeBytes, pieceBytes: pieceLayout(sizeBytes).pieceBytes, pieceRoot };
}

function isWanted({ sha256, pieceRoot }: WantedMember, digests: MemberDigests): boolean {
  return digests.sha256 === sha256 && digests.pieceRoot === pieceRoot;
}

function badMember({ path, sha256, pieceRoot }: WantedMember, digests: MemberDigests): PackageError {
  const isDigest = digests.sha256 !== sha256;
  const [is, wanted] = isDigest ? [digests.sha256, sha256] : [digests.pieceRoot, pieceRoot];
  const what = isDigest ? 'SHA-256' : 'piece root';
  return new PackageError('bad_member', `Storing ${path}: its ${what} is ${is}, the signed manifest says ${wanted}`, {
    data: { path, expected: wanted, actual: is },
  });
}

/** What of a part is there is read from it, the rest from the package. */
class ThroughPart implements ReadableBytes {
  readonly #writer: BlobWriter;
  readonly #from: ReadableBytes;
  readonly #options: IntakeOptions;
  readonly #held: Bitfield;

  constructor(writer: BlobWriter, from: ReadableBytes, options: IntakeOptions) {
    this.#writer = writer;
    this.#from = from;
    this.#options = options;
    const { pieceCount } = pieceLayout(writer.spec.sizeBytes);
    const unsure = new Bitfield(pieceCount, writer.unsurePieces);
    const held = new Bitfield(pieceCount, writer.heldPieces);
    this.#held = new Bitfield(pieceCount);
    for (let index = 0; index < pieceCount; index += 1)
      if (held.has(index) && !unsure.has(index)) this.#held.add(index);
  }

  /** Never beyond a piece: the next may lie elsewhere. */
  async read(buffer: Buffer, position: number): Promise<number> {
    const { pieceBytes } = this.#writer.spec;
    const index = Math.floor(position / pieceBytes);
    const wanted = buffer.subarray(0, Math.min(buffer.length, (index + 1) * pieceBytes - position));
    const isHeld = this.#held.has(index);
    const count = await (isHeld ? this.#writer : this.#from).read(wanted, position);
    this.#options.onBytes?.(count, !isHeld);
    return count;
  }

  async write(bytes: Buffer, position: number): Promise<void> {
    const { pieceBytes, sizeBytes } = this.#writer.spec;
    const index = Math.floor(position / pieceBytes);
    if (this.#held.has(index)) return;
    await this.#writer.write(bytes, position);
    const end = position + bytes.length;
    if (end % pieceBytes === 0 || end === sizeBytes) this.#writer.commitPiece(index);
  }
}
