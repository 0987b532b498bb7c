/** Keeps models/registry.yaml near what the library holds: written a moment after changes, and at the end. */
import { type Clock, isNodeId, type Logger, messageOf } from '../core/index.ts';
import { type LocalModel, type RegistryViewModel, writeRegistryView } from '../registry/index.ts';
import { descriptionOf } from './library/local-entry.ts';
import type { ModelLibrary } from './library/model-library.ts';

export interface ViewWriterOptions {
  readonly path: string;
  readonly library: ModelLibrary;
  readonly clock: Clock;
  readonly logger: Logger;
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
    this.#stopListening = options.library.changes.on(() => this.#soon());
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopListening();
    const isDue = this.#cancelTimer !== undefined;
    this.#cancelTimer?.();
    if (isDue) this.#write();
    await this.#writing;
  }

  #soon(): void {
    this.#cancelTimer ??= this.#options.clock.after(Math.max(SETTLE_MS, this.#lastMs / MAX_SHARE), () => {
      this.#cancelTimer = undefined;
      this.#write();
    });
  }

  #write(): void {
    const { path, library, clock, logger } = this.#options;
    this.#writing = this.#writing
      .then(async () => {
        const startedMs = clock.monotonicMs();
        await writeRegistryView(path, library.list().map(toView));
        this.#lastMs = clock.monotonicMs() - startedMs;
      })
      .catch((thrown: unknown) => logger.warn({ err: messageOf(thrown) }, 'registry.yaml could not be written'));
  }
}

function toView(model: LocalModel): RegistryViewModel {
  const { path, sourceNode } = descriptionOf(model);
  const [first] = model.files;
  return {
    ...model,
    path: path ?? first?.absolutePath ?? '',
    ...(sourceNode !== undefined && isNodeId(sourceNode) ? { sourceNode } : {}),
  };
}
