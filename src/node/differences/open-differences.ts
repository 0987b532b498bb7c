/**
 * Differences of a node: kept, told, made, fetched and applied. Opened after the library and before anything is served or pulled.
 * Spec: docs/spec/22-differences.md §7.
 */
import { mkdir, rm } from 'node:fs/promises';
import type { Clock, Logger, Sha256 } from '../../core/index.ts';
import type { Registry } from '../../registry/index.ts';
import type { BlobStore } from '../../store/index.ts';
import type { FetchBook } from '../pull/fetch-book.ts';
import { DifferenceCounts } from './difference-counts.ts';
import { DifferenceDesk } from './difference-desk.ts';
import { DifferenceMaker } from './difference-maker.ts';
import { DifferencePull } from './difference-pull.ts';
import { DifferenceShelf } from './difference-shelf.ts';
import { KnownContents, type KnownContentsOptions } from './known-contents.ts';
import { blobMaker } from './make-blob.ts';

export interface DifferencesOptions extends KnownContentsOptions {
  readonly registry: Pick<Registry, 'differences' | 'pieceLists'>;
  readonly store: BlobStore;
  /** Emptied here. */
  readonly folder: string;
  freeBytes(): Promise<number>;
  /** What pulls fetch; none where nothing is pulled. */
  readonly fetching?: Pick<FetchBook, 'has'> | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Differences {
  readonly shelf: DifferenceShelf;
  readonly desk: DifferenceDesk;
  readonly puller: DifferencePull;
  readonly contents: KnownContents;
  readonly counts: DifferenceCounts;
  /** In the line, the one that is being made among them. */
  waiting(): number;
}

export async function openDifferences(options: DifferencesOptions, stack: AsyncDisposableStack): Promise<Differences> {
  const { registry, store, folder, clock, logger, freeBytes } = options;
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const counts = new DifferenceCounts();
  const known = stack.use(new KnownContents(options));
  const contents = () => known.list();
  const { differences: rows, pieceLists } = registry;
  const shelf = new DifferenceShelf({ rows, pieceLists, store, freeBytes, clock, logger });
  await shelf.open();
  const make = blobMaker({ store, shelf, pieceLists, counts, folder, contents });
  const maker = stack.use(new DifferenceMaker({ make, clock, logger }));
  const desk = new DifferenceDesk({ shelf, maker, store, counts, contents, freeBytes });
  const describe = known.describe.bind(known);
  const isFetched = (sha256: Sha256): boolean => options.fetching?.has(sha256) === true;
  const puller = new DifferencePull({ store, shelf, counts, folder, contents, isFetched, describe, clock, logger });
  return { shelf, desk, puller, contents: known, counts, waiting: () => maker.waiting };
}
