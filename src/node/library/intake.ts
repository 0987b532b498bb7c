/**
 * Carries what the inventory sees into the library, in order and in batches, and keeps the owner's imports and removals
 * over restarts. One batch at a time: two events of one model never race.
 */
import { access, constants } from 'node:fs/promises';
import { type Logger, messageOf, systemCodeOf } from '../../core/index.ts';
import { FolderScanner, type FoundModel, type Inventory, type InventoryEvent } from '../../inventory/index.ts';
import type { LocalModel, Registry } from '../../registry/index.ts';
import { NodeError } from '../errors.ts';
import { type ImportRequest, ImportScanner } from './import-scanner.ts';
import { descriptionOf } from './local-entry.ts';
import type { ModelLibrary } from './model-library.ts';

export interface IntakeOptions {
  readonly inventory: Inventory;
  readonly library: ModelLibrary;
  readonly settings: Registry['settings'];
  readonly logger: Logger;
}

type Change = { readonly do: 'take' | 'drop' | 'damage'; readonly model: FoundModel };

const IMPORTS = 'imports';
const REMOVED = 'removed_models';
const NOTHING_KNOWN = 'no model file of a known format (GGUF, safetensors, ONNX, …) is there';

export class Intake implements AsyncDisposable {
  readonly #options: IntakeOptions;
  readonly #imports = new Map<string, ImportScanner>();
  #waiting: Change[] = [];
  #draining: Promise<void> | undefined;
  #removed: Set<string>;
  #stopListening = (): void => {};

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#removed = new Set(readList<string>(options.settings.get(REMOVED)));
  }

  /** Begins with what is known from before, then looks at the disk; resolves when the library knows what was kept. */
  async start(): Promise<void> {
    const { inventory, library, settings } = this.#options;
    this.#stopListening = inventory.events.on((event) => this.#onEvent(event));
    await library.check();
    inventory.start();
    for (const request of readList<ImportRequest>(settings.get(IMPORTS))) void this.#addImport(request);
    void inventory.whenScanned().then(() => this.#dropUnseen());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    this.#waiting = [];
    await this.#draining;
  }

  /** Resolves when everything seen so far is in the library. */
  async settled(): Promise<void> {
    while (this.#draining !== undefined) await this.#draining;
  }

  /** A file or folder as the owner names it. Throws NodeError `nothing_to_import`, `import_needs_one`. */
  async import(request: ImportRequest): Promise<readonly FoundModel[]> {
    const scanner = await this.#addImport(request);
    const models = scanner.found;
    if (models.length === 0) {
      await this.#forget(scanner);
      if (scanner.refusal !== undefined) throw scanner.refusal;
      throw new NodeError('nothing_to_import', `Importing ${request.path}: ${await whyNothing(request.path)}`);
    }
    this.#allow(models);
    this.#saveImports();
    return models;
  }

  /** The owner does not want it: not listed again by itself. */
  async remove(model: LocalModel): Promise<void> {
    const scanner = [...this.#imports.values()].find((one) => one.found.some((found) => isOf(found, model)));
    if (scanner !== undefined && scanner.found.length === 1) await this.#forget(scanner);
    else if (descriptionOf(model).isPulled !== true) this.#removed.add(nameOf(model));
    this.#saveImports();
    this.#options.settings.set(REMOVED, [...this.#removed]);
    await this.settled();
  }

  /** Looks at every root again; what was removed may be found again. */
  async rescan(): Promise<void> {
    this.#removed = new Set();
    this.#options.settings.delete(REMOVED);
    await this.#options.inventory.rescan();
    await this.#options.library.check();
    for (const model of this.#options.inventory.models()) this.#push({ do: 'take', model });
    await this.settled();
  }

  async #addImport(request: ImportRequest): Promise<ImportScanner> {
    const key = `${request.path}\n${request.modelId ?? ''}\n${request.version ?? ''}`;
    const known = this.#imports.get(key);
    if (known !== undefined) await this.#options.inventory.remove(known);
    const scanner = new ImportScanner(request, new FolderScanner(request.path));
    this.#imports.set(key, scanner);
    const problems: unknown[] = [];
    const stop = this.#options.inventory.events.on((event) => {
      if (event.kind === 'problem') problems.push(event.problem);
    });
    try {
      await this.#options.inventory.add(scanner, { trustRecent: true });
      if (scanner.found.length === 0 && problems.length > 0)
        this.#options.logger.warn({ path: request.path, problem: messageOf(problems[0]) }, 'import found nothing');
      return scanner;
    } catch (thrown) {
      this.#imports.delete(key);
      await this.#options.inventory.remove(scanner);
      throw thrown;
    } finally {
      stop();
    }
  }

  async #forget(scanner: ImportScanner): Promise<void> {
    for (const [key, one] of this.#imports) if (one === scanner) this.#imports.delete(key);
    await this.#options.inventory.remove(scanner);
  }

  #saveImports(): void {
    this.#options.settings.set(
      IMPORTS,
      [...this.#imports.values()].map(({ request }) => request),
    );
  }

  #allow(models: readonly FoundModel[]): void {
    for (const model of models) this.#removed.delete(nameOf(model));
    this.#options.settings.set(REMOVED, [...this.#removed]);
  }

  #onEvent(event: InventoryEvent): void {
    if (event.kind === 'found' || event.kind === 'changed' || event.kind === 'verified')
      this.#push({ do: 'take', model: event.model });
    if (event.kind === 'gone') this.#push({ do: 'drop', model: event.model });
    if (event.kind === 'claim_mismatch') this.#push({ do: 'damage', model: event.model });
    if (event.kind === 'problem')
      this.#options.logger.warn({ code: event.problem.code, ...event.problem.data }, 'inventory problem');
  }

  #push(change: Change): void {
    if (this.#removed.has(nameOf(change.model)) && change.do !== 'drop') return;
    this.#waiting.push(change);
    this.#draining ??= this.#drain().finally(() => {
      this.#draining = undefined;
    });
  }

  async #drain(): Promise<void> {
    // A turn of the event loop, so that what is found together is written together.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const batch = this.#waiting;
      this.#waiting = [];
      for (const run of runsOf(batch)) await this.#apply(run).catch((thrown: unknown) => this.#note(thrown));
    }
  }

  async #apply([first, ...rest]: readonly Change[]): Promise<void> {
    const { library } = this.#options;
    if (first === undefined) return;
    const models = [first, ...rest].map(({ model }) => model);
    if (first.do === 'take') return library.take(models);
    for (const model of models) {
      if (first.do === 'drop') await library.drop(model);
      else await library.markDamaged(model, model.damaged ?? 'its content is not what its name claims');
    }
    if (first.do === 'drop') await this.#takeTwinsOf(models);
  }

  /** The same model may lie in a second place, which the row of the first stood for as well. */
  async #takeTwinsOf(gone: readonly FoundModel[]): Promise<void> {
    const { inventory, library } = this.#options;
    const names = new Set(gone.map(({ modelId, version }) => `${modelId}\n${version}`));
    const isTwin = (model: FoundModel) =>
      names.has(`${model.modelId}\n${model.version}`) && !this.#removed.has(nameOf(model));
    const twins = inventory.models().filter(isTwin);
    if (twins.length > 0) await library.take(twins);
  }

  /** Rows of an earlier run that nothing on disk stands for any more, and that were never hashed. */
  async #dropUnseen(): Promise<void> {
    await this.settled();
    const { inventory, library } = this.#options;
    const seen = new Set(inventory.models().map(nameOf));
    const unseen = library.list().filter((model) => descriptionOf(model).isPulled !== true && !seen.has(nameOf(model)));
    const importing = new Set(readList<ImportRequest>(this.#options.settings.get(IMPORTS)).map(({ path }) => path));
    for (const model of unseen) {
      if (model.state !== 'ready' && !importing.has(model.sourceRef)) await library.drop(model);
    }
  }

  #note(thrown: unknown): void {
    this.#options.logger.error({ err: messageOf(thrown) }, 'the library could not take what was found');
  }
}

/** Changes of one kind that follow each other. */
function runsOf(changes: readonly Change[]): Change[][] {
  const runs: Change[][] = [];
  for (const change of changes) {
    const last = runs.at(-1);
    if (last !== undefined && last[0]?.do === change.do) last.push(change);
    else runs.push([change]);
  }
  return runs;
}

function isOf(found: FoundModel, model: LocalModel): boolean {
  return nameOf(found) === nameOf(model);
}

function nameOf({
  source,
  sourceRef,
  modelId,
  version,
}: Pick<LocalModel, 'source' | 'sourceRef' | 'modelId' | 'version'>): string {
  return [source, sourceRef, modelId, version].join('\n');
}

function readList<T>(value: unknown): T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}

/** Why a path gave no model, as far as the path itself says. */
async function whyNothing(path: string): Promise<string> {
  try {
    await access(path, constants.R_OK);
    return NOTHING_KNOWN;
  } catch (thrown) {
    const code = systemCodeOf(thrown);
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? 'there is no such file or folder'
      : `the daemon may not read it (${code})`;
  }
}
