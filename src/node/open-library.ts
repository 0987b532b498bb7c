/** What this machine has: library, inventory of the places where models lie, and what is served of it. */
import { Inventory, type Scanner } from '../inventory/index.ts';
import type { ReadGate } from './access/read-gate.ts';
import type { KnownContentsOptions } from './differences/known-contents.ts';
import { type Differences, openDifferences } from './differences/open-differences.ts';
import { packageContents } from './differences/package-contents.ts';
import { Intake } from './library/intake.ts';
import { ModelLibrary } from './library/model-library.ts';
import { loadedContents } from './loaded-contents.ts';
import { freeBytesAt } from './open-storage.ts';
import type { OfferBook } from './packages/mesh/offer-book.ts';
import type { FetchBook } from './pull/fetch-book.ts';
import { type Refusal, ServedModels } from './served-content.ts';
import type { Surroundings } from './surroundings.ts';
import { ViewWriter } from './view-writer.ts';

export interface LibraryParts {
  readonly library: ModelLibrary;
  readonly content: ServedModels;
  readonly differences: Differences | undefined;
  readonly inventory: Inventory;
  readonly intake: Intake;
  readonly viewWriter: ViewWriter;
}

export interface LibrarySurroundings extends Omit<Surroundings, 'config' | 'name'> {
  readonly scanners: readonly Scanner[];
  readonly openLan: boolean;
  /** Of whose pulls it is served what has come; none where nothing is pulled. */
  readonly fetching?: FetchBook;
  /** Packages that are offered too. */
  readonly offers?: OfferBook;
  /** What manifests say that a content was made from; without it there are no differences. */
  readonly parentOf?: KnownContentsOptions['parentOf'];
  readonly readGate?: ReadGate;
  readonly onRefusal?: (refusal: Refusal) => void;
}

export async function openLibraryParts(
  around: LibrarySurroundings,
  stack: AsyncDisposableStack,
): Promise<LibraryParts> {
  const { home, registry, store, clock, logger, scanners, openLan, fetching, offers, readGate, onRefusal } = around;
  const { hashCache, settings, pieceLists } = registry;
  const library = new ModelLibrary({ registry, hashCache, store, home: home.folder, clock, logger });
  const differences = await openDifferencesOf(around, library, stack);
  const content = new ServedModels({
    library,
    store,
    pieceLists,
    openLan,
    logger,
    ...(fetching === undefined ? {} : { fetching }),
    ...(offers === undefined ? {} : { packages: offers }),
    ...(differences === undefined ? {} : { differences }),
    ...(readGate === undefined ? {} : { readGate }),
    ...(onRefusal === undefined ? {} : { onRefusal }),
  });
  const loaded = () => loadedContents(registry.deployments);
  const viewWriter = stack.use(new ViewWriter({ path: home.registryView, library, loaded, clock, logger }));
  const inventory = new Inventory({ scanners, hashCache, clock });
  const intake = stack.use(new Intake({ inventory, library, settings, logger }));
  stack.defer(() => inventory.stop());
  await intake.start();
  return { library, content, differences, inventory, intake, viewWriter };
}

async function openDifferencesOf(
  { home, registry, store, clock, logger, fetching, parentOf }: LibrarySurroundings,
  library: ModelLibrary,
  stack: AsyncDisposableStack,
): Promise<Differences | undefined> {
  if (parentOf === undefined) return undefined;
  const freeBytes = () => freeBytesAt(home.folder);
  const folder = home.differences;
  const differences = await openDifferences(
    { registry, store, library, folder, freeBytes, fetching, parentOf, clock, logger },
    stack,
  );
  differences.contents.add(() => packageContents(registry.packages.list()));
  return differences;
}
