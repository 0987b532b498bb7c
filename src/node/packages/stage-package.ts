/**
 * Brings every byte of a version into the store. What the store has is not read again, be it from another version, a model of this
 * machine, or an import that was stopped. Spec: docs/spec/21-packages.md §8.
 */
import type { PackageSource } from '../../atmo/index.ts';
import { pieceListOf } from '../../content/index.ts';
import type { Clock, Sha256 } from '../../core/index.ts';
import type { DeltaManifest, DifferenceStep, PackageMember } from '../../protocol/index.ts';
import { DifferenceIntake } from './difference-intake.ts';
import { PackageError } from './errors.ts';
import { type KeptDocument, sha256Of } from './make-target.ts';
import { type IntakeDeps, MemberIntake } from './member-intake.ts';
import { fileListsOf, type PackagedFiles } from './package-models.ts';
import { whenNobodyWrites } from './wait-for-writer.ts';

export interface StagePlan {
  /** In the order in which they lie in the package. */
  readonly members: readonly PlannedMember[];
  /** Bytes that come, and members that do not have to. */
  readonly totalBytes: number;
  readonly heldMembers: number;
}

export interface PlannedMember {
  readonly member: PackageMember;
  readonly how: 'held' | 'full' | 'difference';
  readonly steps: readonly DifferenceStep[];
}

type Stat = (sha256: Sha256) => Promise<unknown>;

/** Throws PackageError `content_missing`, `base_missing`, before anything is stored. */
export async function planStage(
  wanted: readonly PackageMember[],
  delta: DeltaManifest | undefined,
  source: Pick<PackageSource, 'entries'>,
  stat: Stat,
): Promise<StagePlan> {
  const places = new Map(source.entries.map(({ path }, place) => [path, place]));
  const steps = new Map(delta?.members.map((one) => [one.path, one.differences ?? []]));
  const members: PlannedMember[] = [];
  for (const member of wanted) {
    const differences = steps.get(member.path) ?? [];
    if ((await stat(member.sha256)) !== undefined) members.push({ member, how: 'held', steps: [] });
    else if (places.has(member.path)) members.push({ member, how: 'full', steps: [] });
    else if (differences.length > 0) members.push({ member, how: 'difference', steps: differences });
    else throw contentMissing(wanted, member, places);
  }
  for (const planned of members) if (planned.how === 'difference') await verifyBase(planned, delta, stat);
  const placeOf = ({ member, steps: [first] }: PlannedMember) =>
    places.get(first?.delta_path ?? member.path) ?? Number.MAX_SAFE_INTEGER;
  const coming = members.filter(({ how }) => how !== 'held');
  return {
    members: members.toSorted((one, other) => placeOf(one) - placeOf(other)),
    totalBytes: coming.reduce((sum, { member }) => sum + member.sizeBytes, 0),
    heldMembers: members.length - coming.length,
  };
}

export interface StageDeps extends IntakeDeps {
  readonly clock: Clock;
}

export interface Stage {
  readonly source: PackageSource;
  readonly plan: StagePlan;
  readonly models: readonly PackagedFiles[];
  /** Files that are made or were read already: manifest, checksums, custody. */
  readonly documents: readonly KeptDocument[];
  readonly onBytes: (byteCount: number, isRead: boolean) => void;
  /** Something else brings this file at the same time. */
  readonly onWait: (path: string) => void;
  readonly signal: AbortSignal | undefined;
}

/** One file after the other. Throws PackageError `bad_member`, AtmoError, DeltaError, StoreError; what was stored stays. */
export async function stagePackage(deps: StageDeps, stage: Stage): Promise<void> {
  const { store, pieceLists } = deps;
  const { source, onBytes, signal } = stage;
  await using intake = new MemberIntake(deps);
  const differences = new DifferenceIntake(deps);
  for (const { bytes } of stage.documents) await storeDocument(deps, bytes);
  for (const { member, how, steps } of stage.plan.members) {
    signal?.throwIfAborted();
    const from = { read: (buffer: Buffer, position: number) => source.read(member.path, buffer, position) };
    if (how === 'held') continue;
    const take = () =>
      how === 'full'
        ? intake.take(member, from, { onBytes, signal })
        : differences.take(member, steps, source, { onBytes, signal });
    const onWait = () => stage.onWait(member.path);
    await whenNobodyWrites(member.sha256, take, { store, clock: deps.clock, path: member.path, onWait, signal });
  }
  for (const { sha256, bytes, pieceRoot, pieceHashes } of fileListsOf(stage.models)) {
    pieceLists.put(sha256, { sizeBytes: bytes.length, pieceRoot, hashes: pieceHashes });
    await store.put(sha256, bytes);
  }
}

/** With its list of pieces: nodes that get the package from here fetch it as any other blob. */
async function storeDocument({ store, pieceLists }: IntakeDeps, bytes: Buffer): Promise<void> {
  const sha256 = sha256Of(bytes);
  const list = pieceListOf(bytes);
  pieceLists.put(sha256, { sizeBytes: bytes.length, pieceRoot: list.root, hashes: list.hashes });
  await store.put(sha256, bytes);
}

async function verifyBase(
  { member, steps }: PlannedMember,
  delta: DeltaManifest | undefined,
  stat: Stat,
): Promise<void> {
  const base = steps[0]?.base_hash.slice('sha256:'.length) as Sha256;
  if ((await stat(base)) !== undefined) return;
  const version = delta?.delta.base_version;
  const from = version === undefined ? `content ${base}` : `version ${version} (content ${base})`;
  throw new PackageError(
    'base_missing',
    `Installing ${member.path}: its difference builds on ${from}, which is not here`,
    {
      data: { path: member.path, base, base_version: version ?? null },
    },
  );
}

function contentMissing(
  wanted: readonly PackageMember[],
  member: PackageMember,
  places: ReadonlyMap<string, number>,
): PackageError {
  const count = wanted.filter(({ path }) => !places.has(path)).length;
  const more = count > 1 ? `, as are up to ${count - 1} others` : '';
  const what = `Installing ${member.path}: it is neither in the package nor on this machine${more}`;
  return new PackageError('content_missing', what, { data: { path: member.path, sha256: member.sha256 } });
}
