/** Keeps models/registry.yaml near what the library holds: written a moment after changes, and at the end. */
import { type Clock, isNodeId, type Logger, messageOf } from '../core/index.ts';
import { type LocalModel, type RegistryViewModel, writeRegistryView } from '../registry/index.ts';
import { descriptionOf } from './library/local-entry.ts';
import type { ModelLibrary } from './library/model-library.ts';

export interface ViewWriterOptions {
  readonly path: string;
  readonly library: ModelLibrary;
  /** What a runtime has answered for, in force now, and since when. */
  readonly loaded?: () => readonly LoadedContent[];
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface LoadedContent {
  readonly modelId: string;
  readonly sha256: string;
  readonly loadedAtMs: number | undefined;
}

const SETTLE_MS = 250;
/** While thousands of models come in, writing the view takes at most this share of the time. */
const MAX_SHARE = 0.1;

export class ViewWriter implements AsyncDisposable {
  readonly #options: ViewWriterOptions;
  readonly #stopListening: () => void;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();
  #lastMs = 0;

  constructor(options: ViewWriterOptions) {
    this.#options = options;
    this.#stopListening = options.library.changes.on(() => this.changed());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    const isDue = this.#cancelTimer !== undefined;
    this.#cancelTimer?.();
    if (isDue) this.#write();
    await this.#writing;
  }

  /** To be called when what is loaded is another. */
  changed(): void {
    this.#cancelTimer ??= this.#options.clock.after(Math.max(SETTLE_MS, this.#lastMs / MAX_SHARE), () => {
      this.#cancelTimer = undefined;
      this.#write();
    });
  }

  #write(): void {
    const { path, library, loaded = () => [], clock, logger } = this.#options;
    this.#writing = this.#writing
      .then(async () => {
        const startedMs = clock.monotonicMs();
        const inForce = new Map(loaded().map((one) => [`${one.modelId}\n${one.sha256}`, one]));
        await writeRegistryView(
          path,
          library.list().map((model) => toView(model, inForce.get(`${model.modelId}\n${model.sha256}`))),
        );
        this.#lastMs = clock.monotonicMs() - startedMs;
      })
      .catch((thrown: unknown) => logger.warn({ err: messageOf(thrown) }, 'registry.yaml could not be written'));
  }
}

function toView(model: LocalModel, loaded: LoadedContent | undefined): RegistryViewModel {
  const { path, sourceNode } = descriptionOf(model);
  const [first] = model.files;
  return {
    ...model,
    path: path ?? first?.absolutePath ?? '',
    ...(loaded === undefined ? {} : { loaded: true, loadedAtMs: loaded.loadedAtMs }),
    ...(sourceNode !== undefined && isNodeId(sourceNode) ? { sourceNode } : {}),
  };
}
