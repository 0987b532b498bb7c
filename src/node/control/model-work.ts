/** Long work on local models, as events: hashing what is new, and reading everything again. */
import type { WorkEvent } from '../../api/index.ts';
import { messageOf } from '../../core/index.ts';
import {
  fingerprintFile,
  HASH_PRIORITY,
  HashQueue,
  type InventoryEvent,
  MemoryHashCache,
} from '../../inventory/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import type { BlobStore } from '../../store/index.ts';
import { descriptionOf } from '../library/local-entry.ts';
import { eventQueue } from './event-queue.ts';
import type { NodeParts } from './parts.ts';

/** Hashes the files of these models before all others; ends when they are in the library. */
export async function* hashModels(
  parts: NodeParts,
  modelIds: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<WorkEvent> {
  const { inventory, intake } = parts;
  const wanted = new Set(modelIds);
  const models = inventory.models().filter((model) => wanted.has(model.modelId));
  const files = models.flatMap((model) => model.files.map((file) => file.fingerprint));
  const paths = new Set(files.map((file) => file.path));
  const isRead = readBefore(parts);
  const fresh = files.filter(({ path }) => !isRead.has(path));
  const progress = new Progress(fresh.reduce((sum, file) => sum + file.sizeBytes, 0));
  const queue = eventQueue<WorkEvent>(signal);
  const stop = inventory.events.on((event) => {
    const work = progress.take(event, paths);
    if (work !== undefined) queue.push(work);
  });
  const hashing = Promise.all(models.map((model) => inventory.verifyNow(model.key)));
  const done = hashing.then(() => intake.settled()).finally(() => queue.end());
  try {
    yield* queue;
    if (!signal.aborted) await done;
  } finally {
    stop();
    done.catch(() => {});
  }
}

/** Other versions of the same model, mostly: they are looked at, and not read again. */
function readBefore({ library }: NodeParts): ReadonlySet<string> {
  const files = library.list().flatMap((model) => model.files);
  return new Set(files.flatMap(({ absolutePath, sha256 }) => (sha256 === undefined ? [] : [absolutePath])));
}

class Progress {
  readonly #totalBytes: number;
  readonly #done = new Map<string, number>();

  constructor(totalBytes: number) {
    this.#totalBytes = totalBytes;
  }

  take(event: InventoryEvent, paths: ReadonlySet<string>): WorkEvent | undefined {
    if (event.kind !== 'hashing' && event.kind !== 'hashed') return undefined;
    const { path, sizeBytes } = event.file;
    if (!paths.has(path)) return undefined;
    this.#done.set(path, event.kind === 'hashing' ? event.doneBytes : sizeBytes);
    const doneBytes = [...this.#done.values()].reduce((sum, bytes) => sum + bytes, 0);
    return { event: 'progress', done_bytes: doneBytes, total_bytes: Math.max(this.#totalBytes, doneBytes), path };
  }
}

/** Reads every file of a model again, from the disk, and compares with what was verified once. */
export async function* verifyModel(
  { library, store }: Pick<NodeParts, 'library' | 'store'>,
  model: LocalModel,
  signal: AbortSignal,
): AsyncGenerator<WorkEvent> {
  const { problem: damage } = descriptionOf(model);
  if (model.state === 'damaged' && damage !== undefined) {
    yield { event: 'failed', ...integrity(`${model.modelId} is damaged: ${damage}`) };
    return;
  }
  const events = eventQueue<WorkEvent>(signal);
  await using hashes = new HashQueue({ cache: new MemoryHashCache() });
  let doneBefore = 0;
  hashes.progress.on(({ file, doneBytes }) => {
    events.push({
      event: 'progress',
      done_bytes: doneBefore + doneBytes,
      total_bytes: model.sizeBytes,
      path: file.path,
    });
  });
  const problems: WorkEvent[] = [];
  const run = async (): Promise<void> => {
    for (const file of model.files) {
      const problem = (await checkFile(hashes, file)) ?? (await checkServed(store, file));
      doneBefore += file.sizeBytes;
      if (problem !== undefined) problems.push({ event: 'problem', path: file.path, ...integrity(problem) });
    }
  };
  const done = run().finally(() => events.end());
  yield* events;
  if (signal.aborted) return;
  await done;
  yield* problems;
  if (problems.length === 0) {
    yield { event: 'completed', done_bytes: model.sizeBytes, total_bytes: model.sizeBytes };
    return;
  }
  for (const { sha256 } of model.files) if (sha256 !== undefined) library.lost(sha256);
  yield {
    event: 'failed',
    ...integrity(`${problems.length} of ${model.files.length} files of ${model.modelId} are not what was verified`),
  };
}

/** Others are served what the store holds, which may be gone where the file that people see is whole. */
async function checkServed(store: BlobStore, { sha256 }: LocalModel['files'][number]): Promise<string | undefined> {
  if (sha256 === undefined) return undefined;
  try {
    await using _reader = await store.openRead(sha256);
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

/** What is wrong with a file, if anything is. */
async function checkFile(hashes: HashQueue, file: LocalModel['files'][number]): Promise<string | undefined> {
  const fingerprint = await fingerprintFile(file.absolutePath).catch(() => undefined);
  if (fingerprint === undefined) return 'it is gone';
  const outcome = await hashes.hash(fingerprint, HASH_PRIORITY.urgent);
  if (outcome.status !== 'hashed')
    return outcome.status === 'failed' ? outcome.message : `it ${outcome.status} while it was read`;
  if (file.sha256 === undefined || outcome.hashes.sha256 === file.sha256) return undefined;
  return `its SHA-256 is ${outcome.hashes.sha256}, wanted ${file.sha256}`;
}

function integrity(error: string) {
  return { error, code: 'model_damaged', kind: 'integrity' };
}
