/** A swarm in this process for the tests of pulling: peers that give what they hold, when they are let. */
import type { ByteRange } from '../../content/index.ts';
import {
  type Clock,
  Emitter,
  type Logger,
  MiB,
  type NodeId,
  type Sha256,
  silentLogger,
  systemClock,
} from '../../core/index.ts';
import { type FileSetFile, type ModelEntry, modelEntrySchema } from '../../protocol/index.ts';
import { type BlobStore, createMemoryBlobStore } from '../../store/index.ts';
import { type TestBlob, testBlob } from '../../testkit/hostile-http-server.ts';
import type { BlobToGet, Lane, PieceSource, ReceiveBytes, SourceOutcome } from '../../transfer/index.ts';
import { makeFileList } from '../library/local-entry.ts';
import { FetchBook } from './fetch-book.ts';
import type { Holder, HolderView, ModelSink, PulledModel, TransferLog, TransferRow } from './ports.ts';
import { TransferService } from './transfer-service.ts';
import { isEnded } from './transfer-snapshot.ts';

export interface TestModel {
  readonly entry: ModelEntry;
  readonly blobs: readonly TestBlob[];
}

/** A model of one file. */
export function oneFile(modelId: string, content: Buffer, change: Partial<ModelEntry> = {}): TestModel {
  const blob = testBlob(content);
  return { entry: entryOf(modelId, blob, { file: 'model.gguf', ...change }), blobs: [blob] };
}

/** A model of several files: path → content. */
export function fileSet(
  modelId: string,
  files: Readonly<Record<string, Buffer>>,
  change: Partial<ModelEntry> = {},
): TestModel {
  const blobs = Object.values(files).map(testBlob);
  const rows = Object.keys(files).map((path, index) => toRow(path, blobs[index] as TestBlob));
  const list = testBlob(makeFileList(rows).bytes);
  const size_bytes = rows.reduce((sum, row) => sum + row.size_bytes, 0);
  const facts = { size_bytes, file_count: rows.length, file_list_bytes: list.content.length };
  return { entry: entryOf(modelId, list, { ...facts, ...change }), blobs: [list, ...blobs] };
}

function toRow(path: string, { blob }: TestBlob): FileSetFile {
  return { path, size_bytes: blob.sizeBytes, sha256: blob.sha256, piece_root: blob.pieceRoot };
}

function entryOf(modelId: string, { blob }: TestBlob, change: Partial<ModelEntry>): ModelEntry {
  const { sha256, sizeBytes: size_bytes, pieceRoot: piece_root } = blob;
  const facts = { model_id: modelId, name: modelId, type: 'llm', format: 'gguf', version: '1.0.0' };
  return { ...modelEntrySchema.parse({ ...facts, sha256, size_bytes, piece_root }), ...change };
}

export class TestPeer implements Holder {
  readonly nodeId: NodeId;
  readonly name: string;
  signsRoot = true;
  readonly #blobs = new Map<Sha256, TestBlob>();
  /** Ranges asked for. */
  reads = 0;
  /** Reads wait for it. */
  gate: Promise<void> = Promise.resolve();
  /** Resolves with the first read. */
  readonly asked = Promise.withResolvers<void>();

  constructor(name: string, ...models: readonly TestModel[]) {
    this.name = name;
    this.nodeId = name as NodeId;
    for (const blob of models.flatMap(({ blobs }) => blobs)) this.#blobs.set(blob.blob.sha256, blob);
  }

  has(sha256: Sha256): boolean {
    return this.#blobs.has(sha256);
  }

  sourceOf(wanted: BlobToGet): PieceSource | undefined {
    const held = this.#blobs.get(wanted.sha256);
    if (held === undefined) return undefined;
    const lane: Lane = { read: (range, receive, signal) => this.#read(held, range, receive, signal), close() {} };
    return {
      id: this.name,
      nodeId: this.nodeId,
      openLane: async () => lane,
      pieceHashes: async () => held.pieces,
    };
  }

  async #read({ content }: TestBlob, { start, end }: ByteRange, receive: ReceiveBytes, signal: AbortSignal) {
    this.reads += 1;
    this.asked.resolve();
    await Promise.race([this.gate, aborted(signal)]);
    for (let at = start; at < end; ) {
      const to = Math.min(end, (Math.floor(at / MiB) + 1) * MiB);
      await receive(content.subarray(at, to));
      at = to;
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

export class TestSwarm implements HolderView {
  readonly peers: TestPeer[] = [];
  readonly reports: SourceOutcome[] = [];
  readonly #changes = new Emitter<void>();

  add(peer: TestPeer): TestPeer {
    this.peers.push(peer);
    this.#changes.emit();
    return peer;
  }

  holders({ entry }: { readonly entry: ModelEntry }, only?: NodeId): readonly Holder[] {
    return this.peers.filter((peer) => peer.has(entry.sha256) && (only ?? peer.nodeId) === peer.nodeId);
  }

  hasMirrors?: () => boolean;
  mirrorsOf?: NonNullable<HolderView['mirrorsOf']>;

  onChange(listener: () => void): () => void {
    return this.#changes.on(listener);
  }

  sourceFor({ nodeId }: Holder, blob: BlobToGet): PieceSource | undefined {
    return this.peers.find((peer) => peer.nodeId === nodeId)?.sourceOf(blob);
  }

  report(outcomes: readonly SourceOutcome[]): void {
    this.reports.push(...outcomes);
  }
}

/** Remembers what was installed. */
export class TestModels implements ModelSink {
  readonly installed: PulledModel[] = [];
  beforeInstall = async (): Promise<void> => {};

  async install(model: PulledModel): Promise<string> {
    await this.beforeInstall();
    this.installed.push(model);
    return this.#path(model.entry);
  }

  async pathOf(entry: ModelEntry): Promise<string | undefined> {
    return this.installed.some((model) => model.entry.sha256 === entry.sha256) ? this.#path(entry) : undefined;
  }

  #path(entry: ModelEntry): string {
    return `/models/${entry.model_id}`;
  }
}

/** Rows as they were written, oldest first. */
export class TestLog implements TransferLog {
  readonly written: TransferRow[] = [];

  put(row: TransferRow): void {
    this.written.push(row);
  }

  list(): readonly TransferRow[] {
    return [...new Map(this.written.map((row) => [row.requestId, row])).values()];
  }

  unfinished(): readonly TransferRow[] {
    return this.list().filter(({ state }) => !isEnded(state));
  }
}

export class PullBench {
  readonly swarm = new TestSwarm();
  readonly models = new TestModels();
  readonly log = new TestLog();
  readonly store: BlobStore = createMemoryBlobStore();
  readonly #hashes = new Map<Sha256, Buffer>();
  readonly fetching = new FetchBook();
  freeBytes = Number.MAX_SAFE_INTEGER;

  /** As after an earlier pull. */
  keepHashes(sha256: Sha256, hashes: Buffer): void {
    this.#hashes.set(sha256, hashes);
  }

  /** What a process that starts now would have. */
  service(clock: Clock = systemClock, logger: Logger = silentLogger): TransferService {
    return new TransferService({
      ...{ store: this.store, view: this.swarm, models: this.models, log: this.log, clock, logger },
      pieceHashes: {
        get: (sha256) => this.#hashes.get(sha256),
        put: ({ sha256 }, hashes) => void this.#hashes.set(sha256, hashes),
      },
      freeBytes: async () => this.freeBytes,
      fetching: this.fetching,
    });
  }
}
