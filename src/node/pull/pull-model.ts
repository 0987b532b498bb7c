/**
 * One model from the mesh: its file list where it has one, then each blob that is missing, then its name. Nothing has
 * the model's name before every byte of it is verified. Spec: docs/spec/04-catalog.md §3, docs/spec/10-transfer.md.
 */
import { createHash } from 'node:crypto';
import { formatBytes, type Sha256 } from '../../core/index.ts';
import {
  type FileSetFile,
  type ModelEntry,
  PROTOCOL_LIMITS,
  parseFileSet,
  parseRelativePath,
} from '../../protocol/index.ts';
import type { BlobStore } from '../../store/index.ts';
import type { SourceOutcome } from '../../transfer/index.ts';
import { NodeError } from '../errors.ts';
import { type BlobFacts, type BlobPullDeps, pullBlob } from './blob-pull.ts';
import type { FetchedBlobs } from './fetch-book.ts';
import type { DifferencePuller, ModelSink, PullTarget } from './ports.ts';
import type { PullProgress } from './pull-progress.ts';

export interface PullModelDeps extends BlobPullDeps {
  readonly models: ModelSink;
  /** Told of each file, so that others get it from here meanwhile. */
  readonly fetched?: Pick<FetchedBlobs, 'add'> | undefined;
  /** Absent: every file comes whole. */
  readonly differences?: DifferencePuller | undefined;
  /** The most that may come, bytes a second. */
  rateLimit?(): number;
  /** Free bytes where the store is, less what must stay free. */
  freeBytes(): Promise<number>;
}

/** At once, of one model: small files would else wait for each other's round trips. */
const PARALLEL_BLOBS = 4;

/** Resolves with the model's path. Throws NodeError, TransferError, StoreError; parts stay for a later pull. */
export async function pullModel(
  deps: PullModelDeps,
  target: PullTarget,
  progress: PullProgress,
  signal: AbortSignal,
): Promise<string> {
  // Until the model has its name nothing else says that its blobs are needed, and another model may be removed meanwhile.
  using holds = new DisposableStack();
  holds.use(deps.store.hold(target.entry.sha256));
  const marks: SourceOutcome[] = [];
  holds.defer(() => tellOf(deps, marks));
  const files = await listFiles(deps, target, signal);
  for (const { sha256 } of files) holds.use(deps.store.hold(sha256));
  const missing = await planBlobs(deps, files, progress);
  tellHeld(deps, files, missing);
  const pull = (blob: BlobFacts): Promise<void> => {
    deps.fetched?.add(blob.sha256);
    return pullOne({ ...deps, marks }, target, blob, progress, signal);
  };
  const first = new Set(deps.models.firstFiles?.(target.entry, files).map(({ sha256 }) => sha256));
  const [before, after] = [missing.filter(isIn(first)), missing.filter((blob) => !isIn(first)(blob))];
  await inParallel(before, pull);
  await deps.models.judge?.(target.entry, files);
  await inParallel(after, pull);
  const [most] = progress.peers();
  return deps.models.install({ entry: target.entry, files, sourceNode: most?.nodeId });
}

/**
 * Before anything is asked: what an earlier run has of the model's files is there for others, however long this one pauses
 * or waits. Tells nothing where the file list is not here, or cannot be read.
 */
export async function tellKnown({ store, fetched }: PullModelDeps, { entry }: PullTarget): Promise<void> {
  const { sha256, file_count, file_list_bytes: sizeBytes, piece_root: pieceRoot } = entry;
  if (file_count === undefined || sizeBytes === undefined || pieceRoot === undefined) return;
  try {
    if ((await store.stat(sha256)) === undefined) return;
    const { files } = parseFileSet(await readWhole(store, { sha256, sizeBytes, pieceRoot }));
    const parts = new Set((await store.listParts()).map((part) => part.sha256));
    for (const file of files)
      if (parts.has(file.sha256) || (await store.stat(file.sha256)) !== undefined) fetched?.add(file.sha256);
  } catch {
    // The pull itself meets the same, and says it.
  }
}

/** Files of the model that came before: they are there for others too. */
function tellHeld({ fetched }: PullModelDeps, files: readonly FileSetFile[], missing: readonly BlobFacts[]): void {
  const left = new Set(missing.map(({ sha256 }) => sha256));
  for (const { sha256 } of files) if (!left.has(sha256)) fetched?.add(sha256);
}

/** Who gave differences that were wrong; told now that all is over, because until then it could still be asked for what is checked. */
function tellOf({ view }: PullModelDeps, marks: readonly SourceOutcome[]): void {
  if (marks.length > 0) view.report(marks);
}

/** Others are told of a file before it is here: what comes of it, be it by a difference, can be had. */
async function pullOne(
  deps: PullModelDeps & { readonly marks: SourceOutcome[] },
  target: PullTarget,
  blob: BlobFacts,
  progress: PullProgress,
  signal: AbortSignal,
): Promise<void> {
  const { sha256 } = blob;
  const wanted = {
    ...{ target, blob, deps, marks: deps.marks, rateLimit: deps.rateLimit?.() ?? Number.POSITIVE_INFINITY },
    onShare: progress.setDifference.bind(progress, sha256),
    onSources: progress.updateDifference.bind(progress),
    onVerified: progress.noteVerified.bind(progress, sha256),
  };
  if ((await deps.differences?.pull(wanted, signal)) === true) return progress.addHeld(sha256, blob.sizeBytes);
  await pullBlob(deps, target, blob, (each) => progress.update(sha256, each), signal);
}

/** The model's files: itself, or what its verified file list says. */
export async function listFiles(deps: BlobPullDeps, target: PullTarget, signal: AbortSignal) {
  const { entry } = target;
  if (entry.piece_root === undefined) throw noPieceRoot(entry);
  if (entry.file_count === undefined) return [toOnlyFile(entry)];
  if (entry.file_list_bytes === undefined) throw noPieceRoot(entry);
  const list: BlobFacts = { sha256: entry.sha256, sizeBytes: entry.file_list_bytes, pieceRoot: entry.piece_root };
  if ((await deps.store.stat(list.sha256)) === undefined) await pullBlob(deps, target, list, () => {}, signal);
  const { files } = parseFileSet(await readWhole(deps.store, list));
  verifyAgainstEntry(files, entry);
  return files;
}

function toOnlyFile(entry: ModelEntry): FileSetFile {
  if (entry.piece_root === undefined) throw noPieceRoot(entry);
  const path = parseRelativePath(
    entry.file ?? `${entry.model_id.split('/').at(-1)?.replace(':', '-')}.${entry.format}`,
  );
  return { path, size_bytes: entry.size_bytes, sha256: entry.sha256, piece_root: entry.piece_root };
}

async function readWhole(store: BlobStore, { sha256, sizeBytes }: BlobFacts): Promise<Buffer> {
  await using reader = await store.openRead(sha256);
  const bytes = Buffer.alloc(Math.min(sizeBytes, PROTOCOL_LIMITS.fileSetBytes));
  await reader.read(bytes, 0);
  if (createHash('sha256').update(bytes).digest('hex') === sha256) return bytes;
  throw new NodeError('bad_file_list', `Reading the file list ${sha256}: it does not have its digest`);
}

/** The entry is what was signed and shown: a list that says another size would fill the disk. */
function verifyAgainstEntry(files: readonly FileSetFile[], entry: ModelEntry): void {
  const sizeBytes = files.reduce((sum, file) => sum + file.size_bytes, 0);
  if (sizeBytes === entry.size_bytes && files.length === entry.file_count) return;
  const got = `${files.length} files of ${sizeBytes} bytes`;
  const wanted = `${entry.file_count} of ${entry.size_bytes}`;
  throw new NodeError(
    'bad_file_list',
    `Reading the file list of ${entry.model_id}: ${got}, the signed entry says ${wanted}`,
  );
}

/** Distinct blobs that are not here yet; those that are count as done. Throws `no_space` before a byte moves. */
async function planBlobs(
  deps: PullModelDeps,
  files: readonly FileSetFile[],
  progress: PullProgress,
): Promise<BlobFacts[]> {
  const distinct = new Map<Sha256, BlobFacts>();
  for (const { sha256, size_bytes, piece_root, path } of files)
    distinct.set(sha256, { sha256, sizeBytes: size_bytes, pieceRoot: piece_root, path });
  progress.totalBytes = [...distinct.values()].reduce((sum, blob) => sum + blob.sizeBytes, 0);
  const missing: BlobFacts[] = [];
  for (const blob of distinct.values()) {
    if ((await deps.store.stat(blob.sha256)) === undefined) missing.push(blob);
    else progress.addHeld(blob.sha256, blob.sizeBytes);
  }
  await verifySpace(deps, missing);
  return missing;
}

async function verifySpace(deps: PullModelDeps, missing: readonly BlobFacts[]): Promise<void> {
  const parts = new Map((await deps.store.listParts()).map((part) => [part.sha256, part.heldBytes]));
  const needed = missing.reduce((sum, blob) => sum + blob.sizeBytes - (parts.get(blob.sha256) ?? 0), 0);
  const free = await deps.freeBytes();
  if (needed <= free) return;
  throw new NodeError(
    'no_space',
    `Making room for the model: ${formatBytes(needed)} needed, ${formatBytes(free)} free for models`,
    {
      data: { needed, free },
    },
  );
}

function isIn(set: ReadonlySet<Sha256>): (blob: Pick<BlobFacts, 'sha256'>) => boolean {
  return ({ sha256 }) => set.has(sha256);
}

/** Runs `work` on all, a few at a time; the first failure is thrown when those under way have ended. */
async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items];
  const failures: unknown[] = [];
  const worker = async (): Promise<void> => {
    for (let item = queue.shift(); item !== undefined && failures.length === 0; item = queue.shift()) {
      await work(item).catch((thrown: unknown) => failures.push(thrown));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL_BLOBS }, worker));
  if (failures.length > 0) throw failures[0];
}

function noPieceRoot(entry: ModelEntry): NodeError {
  const what = `Pulling ${entry.model_id}: its entry has no piece root, so pieces could not be verified`;
  return new NodeError('no_piece_root', what, { data: { sha256: entry.sha256 } });
}
