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

export class ViewWriter implements AsyncDisposable {
  readonly #options: ViewWriterOptions;
  readonly #stopListening: () => void;
  #cancelTimer: (() => void) | undefined;
  #writing: Promise<void> = Promise.resolve();

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
    this.#cancelTimer ??= this.#options.clock.after(SETTLE_MS, () => {
      this.#cancelTimer = undefined;
      this.#write();
    });
  }

  #write(): void {
    const { path, library, logger } = this.#options;
    this.#writing = this.#writing
      .then(() => writeRegistryView(path, library.list().map(toView)))
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
