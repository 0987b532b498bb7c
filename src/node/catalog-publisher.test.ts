import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ModelEntry } from '../protocol/index.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { CatalogPublisher, type PublishedPage } from './catalog-publisher.ts';
import { oneFile } from './pull/pulling.fixture.ts';

const PERIOD_MS = 90_000;

/** The mesh's end of a publisher: pages in force by number, and what was said, in order. */
class Said {
  readonly pages = new Map<number, PublishedPage>();
  readonly words: string[] = [];
  entries: readonly ModelEntry[] = [];
  isPutOut = false;

  publishPage(page: number, entries: readonly ModelEntry[]): void {
    this.pages.set(page, { page, entries, isOld: false });
    this.words.push(`page ${page}: ${entries.map((entry) => entry.model_id)}`);
  }

  publishHeartbeat({ catalog_pages, model_count }: { catalog_pages: number; model_count: number }): void {
    if (this.isPutOut) throw new Error('put out');
    this.words.push(`heartbeat ${catalog_pages}/${model_count}`);
  }

  take(): string[] {
    return this.words.splice(0);
  }
}

const [ONE, TWO] = ['org/one', 'org/two'].map((name) => oneFile(name, Buffer.from(name)).entry) as [
  ModelEntry,
  ModelEntry,
];
let clock: VirtualClock;
let said: Said;
let publisher: CatalogPublisher;

beforeEach(() => {
  clock = new VirtualClock();
  said = new Said();
  publisher = new CatalogPublisher({
    clock,
    periodMs: PERIOD_MS,
    entries: () => said.entries,
    publishedPages: () => [...said.pages.values()],
    publishPage: (page, entries) => said.publishPage(page, entries),
    publishHeartbeat: (summary) => said.publishHeartbeat(summary),
    onFailure: (thrown) => said.words.push(`failed: ${(thrown as Error).message}`),
  });
});
afterEach(() => publisher[Symbol.asyncDispose]());

test('start() says what there is, and each period that the node lives, without its pages', async () => {
  said.entries = [ONE];
  publisher.start();
  expect(said.take()).toEqual(['page 0: org/one', 'heartbeat 1/1']);
  await clock.advance(2 * PERIOD_MS);
  expect(said.take()).toEqual(['heartbeat 1/1', 'heartbeat 1/1']);
});

test('a mesh that takes nothing is told of again at each beat, and throws at no timer', async () => {
  said.isPutOut = true;
  publisher.start();
  publisher.changed();
  await clock.advance(PERIOD_MS);
  expect(said.take()).toEqual(['failed: put out', 'failed: put out', 'failed: put out']);
  said.isPutOut = false;
  await clock.advance(PERIOD_MS);
  expect(said.take()).toEqual(['heartbeat 0/0']);
});

test('changes that come together are published together', async () => {
  publisher.start();
  said.take();
  said.entries = [ONE];
  publisher.changed();
  said.entries = [ONE, TWO];
  publisher.changed();
  await clock.advance(1000);
  expect(said.take()).toEqual(['page 0: org/one,org/two', 'heartbeat 1/2']);
});

test('the last page that is empty is told by the number of pages', async () => {
  said.entries = [ONE];
  publisher.start();
  said.take();
  said.entries = [];
  publisher.changed();
  await clock.advance(1000);
  expect(said.take()).toEqual(['heartbeat 0/0']);
});

test('a page that nears its end is signed anew though nothing changed', async () => {
  said.entries = [ONE];
  publisher.start();
  said.take();
  said.pages.set(0, { page: 0, entries: [ONE], isOld: true });
  await clock.advance(PERIOD_MS);
  expect(said.take()).toEqual(['page 0: org/one', 'heartbeat 1/1']);
});

test('a page that a crash lost is published again', () => {
  said.pages.set(1, { page: 1, entries: [TWO], isOld: false });
  said.entries = [ONE, TWO];
  publisher.start();
  expect(said.take()).toEqual(['page 0: org/one', 'heartbeat 2/2']);
});

test('nothing is said before the start or after the end', async () => {
  publisher.changed();
  await clock.advance(PERIOD_MS);
  publisher.start();
  publisher.changed();
  await publisher[Symbol.asyncDispose]();
  said.take();
  publisher.changed();
  await clock.advance(10 * PERIOD_MS);
  expect(said.take()).toEqual([]);
});
