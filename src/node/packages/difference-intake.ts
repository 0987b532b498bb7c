/**
 * Members that come as differences: each made from a base in the store, and stored under the SHA-256 of the manifest or not at all. What
 * lies between the steps of a chain is stored too, and given up at its end. Spec: docs/spec/22-differences.md §6.
 */
import type { PackageSource } from '../../atmo/index.ts';
import { pieceLayout } from '../../content/index.ts';
import { formatBytes, messageOf, parsePieceRoot, type Sha256 } from '../../core/index.ts';
import { applyDifference, DeltaError, type DifferenceBytes, readDifferenceHeader } from '../../delta/index.ts';
import type { DifferenceStep } from '../../protocol/index.ts';
import { type BlobWriter, StoreError } from '../../store/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import { PackageError } from './errors.ts';
import type { IntakeDeps, IntakeOptions, WantedMember } from './member-intake.ts';

/** Of what lies between two steps the root is known only when it is made. */
const UNKNOWN_ROOT = parsePieceRoot('0'.repeat(64));

export class DifferenceIntake {
  readonly #deps: IntakeDeps;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  /** Throws PackageError `bad_member`, `base_missing`, AtmoError, StoreError. */
  async take(
    member: WantedMember,
    steps: readonly DifferenceStep[],
    source: PackageSource,
    options: IntakeOptions,
  ): Promise<void> {
    const { store } = this.#deps;
    const between = steps.slice(0, -1).map(({ target_hash }) => digestOf(target_hash));
    const made = await this.#missingOf(between);
    try {
      using holds = new DisposableStack();
      for (const sha256 of between) holds.use(store.hold(sha256));
      for (const step of steps) await this.#apply(member, step, source, options);
    } finally {
      for (const sha256 of made) await this.#giveUp(sha256);
    }
  }

  async #giveUp(sha256: Sha256): Promise<void> {
    const { store } = this.#deps;
    await store.remove(sha256).catch(unlessInUse);
    await store.discardPart(sha256).catch(unlessInUse);
  }

  /** Nobody signed what a chain leads through: what was here before is not the package's to take away. */
  async #missingOf(contents: readonly Sha256[]): Promise<Sha256[]> {
    const missing = [];
    for (const sha256 of contents) if ((await this.#deps.store.stat(sha256)) === undefined) missing.push(sha256);
    return missing;
  }

  async #apply(
    member: WantedMember,
    step: DifferenceStep,
    source: PackageSource,
    options: IntakeOptions,
  ): Promise<void> {
    const { store, pieceLists } = this.#deps;
    const target = digestOf(step.target_hash);
    if ((await store.stat(target)) !== undefined) return;
    const difference = differenceIn(source, step.delta_path);
    try {
      const isLast = target === member.sha256;
      await using base = await this.#openBase(member, digestOf(step.base_hash));
      const sizeBytes = isLast ? member.sizeBytes : await sizeBetween(member, step, difference, base.sizeBytes);
      const pieceRoot = isLast ? member.pieceRoot : UNKNOWN_ROOT;
      await using writer = await store.openWrite({ sha256: target, sizeBytes, pieceRoot, ...piecesOf(sizeBytes) });
      const { pieces } = await applyDifference({
        ...{ difference, base, sink: sinkOf(writer, options) },
        expected: { baseSha256: digestOf(step.base_hash), target: { sha256: target, sizeBytes } },
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      });
      if (isLast && pieces.root !== member.pieceRoot)
        throw badDifference(member, step, `its pieces have the root ${pieces.root}, wanted ${member.pieceRoot}`);
      pieceLists.put(target, { sizeBytes, pieceRoot: pieces.root, hashes: pieces.hashes });
      await writer.finish();
    } catch (thrown) {
      if (thrown instanceof DeltaError) throw badDifference(member, step, messageOf(thrown), thrown);
      throw thrown;
    }
  }

  async #openBase(member: WantedMember, sha256: Sha256) {
    try {
      return await this.#deps.store.openRead(sha256);
    } catch (thrown) {
      if (!(thrown instanceof StoreError) || thrown.code !== 'blob_not_found') throw thrown;
      const what = `Installing ${member.path}: its difference builds on content ${sha256}, which is not here`;
      throw new PackageError('base_missing', what, { data: { path: member.path, base: sha256 }, cause: thrown });
    }
  }
}

/** A few bytes of a difference may name any size: what lies between is bounded by its ends. */
async function sizeBetween(
  member: WantedMember,
  step: DifferenceStep,
  difference: DifferenceBytes,
  baseBytes: number,
): Promise<number> {
  const { sizeBytes } = (await readDifferenceHeader(difference)).target;
  const most = Math.max(baseBytes, member.sizeBytes) * NODE_LIMITS.differenceStepFactor;
  if (sizeBytes <= most) return sizeBytes;
  throw badDifference(
    member,
    step,
    `it makes ${formatBytes(sizeBytes)} on the way, wanted at most ${formatBytes(most)}`,
  );
}

function sinkOf(writer: BlobWriter, { onBytes }: IntakeOptions) {
  const { pieceBytes, sizeBytes } = writer.spec;
  return {
    /** In order: pieces end one after the other. */
    async write(bytes: Buffer, position: number): Promise<void> {
      await writer.write(bytes, position);
      const end = position + bytes.length;
      const last = end === sizeBytes ? Math.ceil(sizeBytes / pieceBytes) : Math.floor(end / pieceBytes);
      for (let index = Math.floor(position / pieceBytes); index < last; index += 1) writer.commitPiece(index);
      onBytes?.(bytes.length, true);
    },
  };
}

function differenceIn(source: PackageSource, path: string) {
  const sizeBytes = source.entries.find((entry) => entry.path === path)?.sizeBytes;
  if (sizeBytes === undefined)
    throw new PackageError('content_missing', `Installing a difference: ${path} is not in the package`, {
      data: { path },
    });
  return { sizeBytes, read: (buffer: Buffer, position: number) => source.read(path, buffer, position) };
}

function badDifference(member: WantedMember, step: DifferenceStep, why: string, cause?: unknown): PackageError {
  return new PackageError('bad_member', `Installing ${member.path} from ${step.delta_path}: ${why}`, {
    data: { path: member.path, delta_path: step.delta_path },
    cause,
  });
}

function unlessInUse(thrown: unknown): void {
  if (!(thrown instanceof StoreError) || thrown.code !== 'blob_in_use') throw thrown;
}

function piecesOf(sizeBytes: number): { readonly pieceBytes: number } {
  return { pieceBytes: pieceLayout(sizeBytes).pieceBytes };
}

function digestOf(hash: string): Sha256 {
  return hash.slice('sha256:'.length) as Sha256;
}
