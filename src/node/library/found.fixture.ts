/** A library over a real disk store and database in a temporary folder, and models as the inventory finds them. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseSha256, type Sha256, silentLogger, systemClock } from '../../core/index.ts';
import { type FoundFile, type FoundModel, fingerprintFile, hashFile } from '../../inventory/index.ts';
import { parseModelId } from '../../protocol/index.ts';
import { openRegistry, type Registry } from '../../registry/index.ts';
import { type BlobStore, openDiskBlobStore } from '../../store/index.ts';
import { ModelLibrary } from './model-library.ts';

export class LibraryBench implements AsyncDisposable {
  readonly home: string;
  readonly registry: Registry;
  readonly store: BlobStore;
  readonly library: ModelLibrary;

  private constructor(home: string, registry: Registry, store: BlobStore) {
    this.home = home;
    this.registry = registry;
    this.store = store;
    const { hashCache } = registry;
    this.library = new ModelLibrary({ registry, hashCache, store, home, clock: systemClock, logger: silentLogger });
  }

  static async open(): Promise<LibraryBench> {
    const home = realpathSync(mkdtempSync(join(tmpdir(), 'library-')));
    const registry = openRegistry(join(home, 'db', 'registry.sqlite'));
    return new LibraryBench(home, registry, await openDiskBlobStore({ folder: home, index: registry.blobIndex }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    this.registry.close();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** Writes the files and describes them as a scan would. */
  async find(
    modelId: string,
    files: Readonly<Record<string, Buffer | string>>,
    change: Partial<FoundModel> & { readonly claimedSha256?: Sha256 } = {},
  ): Promise<FoundModel> {
    const { claimedSha256, ...facts } = change;
    const folder = join(this.home, 'found', modelId, facts.version ?? '1');
    const rows: FoundFile[] = [];
    for (const [path, content] of Object.entries(files)) {
      const absolutePath = join(folder, path);
      mkdirSync(dirname(absolutePath), { recursive: true });
      writeFileSync(absolutePath, content);
      const fingerprint = await fingerprintFile(absolutePath);
      if (fingerprint === undefined) throw new Error(`${absolutePath} is no file`);
      rows.push({ path, absolutePath, fingerprint, ...(claimedSha256 === undefined ? {} : { claimedSha256 }) });
    }
    return {
      ...{ key: modelId, modelId: parseModelId(modelId), name: modelId, version: '1', type: 'llm', format: 'gguf' },
      ...{ source: 'imported', sourceRef: folder, files: rows, isFileSet: rows.length > 1, capabilities: ['chat'] },
      ...{ sizeBytes: rows.reduce((sum, row) => sum + row.fingerprint.sizeBytes, 0), unsafe: false, metadata: {} },
      ...facts,
    };
  }

  /** Reads its files into the hash cache, as the hash queue does. */
  async hash(found: FoundModel): Promise<FoundModel> {
    for (const { fingerprint } of found.files) {
      const hashes = await hashFile(fingerprint, async () => {});
      if (hashes !== undefined) this.registry.hashCache.put(fingerprint, hashes);
    }
    return found;
  }

  /** Found, hashed and taken. */
  async have(...args: Parameters<LibraryBench['find']>): Promise<FoundModel> {
    const found = await this.hash(await this.find(...args));
    await this.library.take([found]);
    return found;
  }

  states(): string[] {
    return this.library.list().map(({ modelId, state }) => `${modelId} ${state}`);
  }
}

export function digestOf(content: Buffer | string): Sha256 {
  return parseSha256(createHash('sha256').update(content).digest('hex'));
}
