/** A node without a mesh: what lies on this machine, hashed, remembered and ready to be served. The bridge stands on it. */
import type { Clock, Emitter, Logger } from '../../core/index.ts';
import type { ModelEntry } from '../../protocol/index.ts';
import { acquireHomeLock, type Registry } from '../../registry/index.ts';
import { openHome } from '../home.ts';
import { type HashingView, hashingOf } from '../library/hashing-view.ts';
import { type ModelPlaces, scannersOf } from '../model-places.ts';
import { openLibraryParts } from '../open-library.ts';
import { openStorage } from '../open-storage.ts';
import type { ServedModels } from '../served-content.ts';

export interface ShelfOptions {
  /** Where hashes are remembered; made when missing. One process at a time. */
  readonly folder: string;
  readonly places: ModelPlaces;
  /** Every model may be read by everybody who can reach the edge. */
  readonly openLan: boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Shelf extends AsyncDisposable {
  readonly content: ServedModels;
  readonly changes: Emitter<void>;
  readonly settings: Registry['settings'];
  /** Models whose every byte is verified, as the wire names them. */
  entries(): ModelEntry[];
  /** What is still being read. */
  hashing(): HashingView;
}

/** Throws NodeError `home_unusable`, RegistryError (`home_in_use`, `database_…`), StoreError. */
export async function openShelf(options: ShelfOptions): Promise<Shelf> {
  const stack = new AsyncDisposableStack();
  try {
    return await assemble(options, stack);
  } catch (thrown) {
    await stack.disposeAsync();
    throw thrown;
  }
}

async function assemble({ folder, places, openLan, clock, logger }: ShelfOptions, stack: AsyncDisposableStack) {
  const home = await openHome(folder);
  stack.use(acquireHomeLock(home.folder));
  const { registry, store } = await openStorage({}, home, logger, stack);
  const around = { home, registry, store, clock, logger, openLan, scanners: scannersOf(places) };
  const { library, content, inventory } = await openLibraryParts(around, stack);
  return {
    content,
    changes: library.changes,
    settings: registry.settings,
    entries: () => library.entries(),
    hashing: () => hashingOf(inventory),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
