import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type NodeId, type Sha256, silentLogger } from '../../../core/index.ts';
import {
  type FileSetFile,
  type ModelEntry,
  PACKAGE_FILES,
  parseFileSet,
  parseSiteInventory,
} from '../../../protocol/index.ts';
import { VirtualClock } from '../../../testkit/virtual-clock.ts';
import { LINE, linePackage, PackageBench, type PackageProcess } from '../install.fixture.ts';
import { readBlob } from './blob-package-source.ts';
import { OfferBook } from './offer-book.ts';
import { readPackageEntry, withTier } from './package-offer.ts';
import { PackageOffers } from './package-offers.ts';
import { PackageSink } from './package-sink.ts';
import { siteInventory } from './site-inventory.ts';

const LARGE = { 'tools/large.bin': 'only for large machines' };
const GATEWAY = 'gateway' as NodeId;

let stack: AsyncDisposableStack;
let gateway: PackageProcess;
let gatewayBench: PackageBench;
let book: OfferBook;
let offers: PackageOffers;

beforeEach(async () => {
  stack = new AsyncDisposableStack();
  gatewayBench = stack.use(new PackageBench());
  gateway = await startOn(gatewayBench);
  book = new OfferBook();
  offers = offersOf(gateway, book);
});
afterEach(() => stack.disposeAsync());

async function startOn(bench: PackageBench): Promise<PackageProcess> {
  const process = await bench.start();
  stack.defer(() => process.end());
  return process;
}

function offersOf(process: PackageProcess, into: OfferBook): PackageOffers {
  const { store, registry, shelf } = process;
  const around = { store, pieceLists: registry.pieceLists, book: into, self: GATEWAY, logger: silentLogger };
  return stack.use(new PackageOffers({ installed: shelf, ...around }));
}

function tiersOffered(): string[] {
  return book.entries().flatMap((entry) => readPackageEntry(entry).map(({ version, tier }) => `${version} ${tier}`));
}

async function importInto(process: PackageProcess, bench: PackageBench, version: string, allTiers = true) {
  await using source = await bench.pack(linePackage(version, {}, LARGE));
  await process.import(source, { allTiers });
}

/** As a pull leaves it: the list's blobs are in the other store. */
async function carry(entry: ModelEntry, to: PackageProcess): Promise<FileSetFile[]> {
  const list = await readBlob(gateway.store, entry.sha256, 1e6);
  await to.store.put(entry.sha256, list);
  const { files } = parseFileSet(list);
  for (const { sha256 } of files)
    if ((await to.store.stat(sha256)) === undefined)
      await to.store.put(sha256, await readBlob(gateway.store, sha256, 1e6));
  return files;
}

function sinkOf(process: PackageProcess): PackageSink {
  const { library: models, store, shelf, trust } = process;
  return new PackageSink({ models, store, packages: () => shelf, judge: () => trust, nameOf: () => 'gateway-01' });
}

/** As other nodes hear it. */
function heardHere(): ModelEntry[] {
  return book.entries().flatMap((entry) => readPackageEntry(entry).map(({ tier }) => withTier(entry, tier)));
}

function entryOf(tier: string): ModelEntry {
  const entry = heardHere().find(({ metadata }) => metadata.tier === tier);
  if (entry === undefined) throw new Error(`${tier} is not offered`);
  return entry;
}

describe('what a node offers of its packages', () => {
  it('is each tier that is wholly here, of the version in force', async () => {
    await importInto(gateway, gatewayBench, '1.3', false);
    await offers.refresh();
    expect(tiersOffered()).toEqual(['1.3 tier_1', '1.3 tier_2']);
    await importInto(gateway, gatewayBench, '1.4');
    await offers.refresh();
    expect(tiersOffered()).toEqual(['1.4 tier_1', '1.4 tier_2', '1.4 tier_3']);
    await gateway.rollback();
    await offers.refresh();
    expect(tiersOffered()).toEqual(['1.3 tier_1', '1.3 tier_2']);
  });

  it('is a file list with checksums of just its files, and every blob has pieces', async () => {
    await importInto(gateway, gatewayBench, '1.3');
    await offers.refresh();
    const { files } = parseFileSet(await readBlob(gateway.store, entryOf('tier_1').sha256, 1e6));
    const checksums = files.find(({ path }) => path === PACKAGE_FILES.checksums)?.sha256 as Sha256;
    const lines = (await readBlob(gateway.store, checksums, 1e6)).toString().trimEnd().split('\n');
    const unlisted: string[] = [PACKAGE_FILES.checksums, PACKAGE_FILES.custody];
    const listed = files.filter(({ path }) => !unlisted.includes(path)).map(({ path, sha256 }) => `${sha256}  ${path}`);
    expect(lines.sort()).toEqual(listed.sort());
    expect(files.some(({ path }) => path === 'tools/large.bin')).toBe(false);
    for (const { sha256, piece_root } of files)
      expect(gateway.registry.pieceLists.get(sha256)?.pieceRoot).toBe(piece_root);
  });

  it('is told once for each change', async () => {
    await importInto(gateway, gatewayBench, '1.3');
    let changes = 0;
    book.changes.on(() => {
      changes += 1;
    });
    await offers.refresh();
    await offers.refresh();
    expect(changes).toBe(1);
  });
});

describe('a package that came over the mesh', () => {
  it('is installed, and offered on as the very same content', async () => {
    await importInto(gateway, gatewayBench, '1.3');
    await offers.refresh();
    const edge = await startOn(stack.use(new PackageBench()));
    const sink = sinkOf(edge);
    const entry = entryOf('tier_1');
    const files = await carry(entry, edge);
    expect(sink.firstFiles(entry, files).map(({ path }) => path)).toEqual([PACKAGE_FILES.manifest]);
    await sink.judge(entry, files);
    expect(await sink.pathOf(entry)).toBeUndefined();
    const path = await sink.install({ entry, files, sourceNode: GATEWAY });
    expect(await sink.pathOf(entry)).toBe(path);
    expect(edge.shelf.get(LINE)?.current).toMatchObject({ version: '1.3', tier: 'tier_1', hasAllTiers: false });
    expect(edge.library.list().map(({ modelId }) => modelId)).toEqual(['acme/defects']);
  });

  it('from a mesh that is not trusted here is refused before its models come', async () => {
    await importInto(gateway, gatewayBench, '1.3');
    await offers.refresh();
    const bench = stack.use(new PackageBench({ meshName: 'others' }));
    const edge = await startOn(bench);
    const entry = entryOf('tier_2');
    const files = await carry(entry, edge);
    await expect(sinkOf(edge).judge(entry, files)).rejects.toMatchObject({ code: 'mesh_unknown' });
  });

  it.each<[string, (files: FileSetFile[]) => FileSetFile[], Partial<ModelEntry>]>([
    ['no manifest', (files) => files.filter(({ path }) => path !== PACKAGE_FILES.manifest), {}],
    ['a member left out', (files) => files.filter(({ path }) => path !== 'agents/vision.yaml'), {}],
    ['a file more', (files) => [...files, { ...(files[0] as FileSetFile), path: 'tools/more.sh' }], {}],
    [
      'another content under a name',
      (files) =>
        files.map((file) => (file.path === 'tools/core.yaml' ? { ...file, sha256: 'a'.repeat(64) as Sha256 } : file)),
      {},
    ],
    [
      'another size',
      (files) => files.map((file) => (file.path === 'tools/core.yaml' ? { ...file, size_bytes: 9e9 } : file)),
      {},
    ],
    ['the name of another package', (files) => files, { model_id: 'other' as ModelEntry['model_id'] }],
    ['the name of another version', (files) => files, { version: '9' }],
    [
      'the digest of another manifest',
      (files) => files,
      { metadata: { manifest_sha256: 'b'.repeat(64), fits: ['tier_1'], tiers: ['tier_1'], created: '' } },
    ],
    ['no word of which package it is', (files) => files, { metadata: {} }],
  ])('with %s is refused', async (_what, change, entryChange) => {
    await importInto(gateway, gatewayBench, '1.3');
    await offers.refresh();
    const edge = await startOn(stack.use(new PackageBench()));
    const entry = { ...entryOf('tier_1'), ...entryChange };
    const files = change(await carry(entryOf('tier_1'), edge));
    await expect(sinkOf(edge).judge(entry, files)).rejects.toMatchObject({ code: 'offer_wrong' });
  });

  it('whose manifest would fill the disk is refused before it comes', async () => {
    await importInto(gateway, gatewayBench, '1.3');
    await offers.refresh();
    const entry = entryOf('tier_1');
    const { files } = parseFileSet(await readBlob(gateway.store, entry.sha256, 1e6));
    const huge = files.map((file) => (file.path === PACKAGE_FILES.manifest ? { ...file, size_bytes: 1e12 } : file));
    expect(() => sinkOf(gateway).firstFiles(entry, huge)).toThrow(expect.objectContaining({ code: 'offer_wrong' }));
  });
});

describe('the inventory of a site', () => {
  it('has models and packages with what they hold, as the schema says', async () => {
    await importInto(gateway, gatewayBench, '1.3');
    const { nodeId, meshId } = gatewayBench.mesh.member('node');
    const { library, shelf: packages, store } = gateway;
    const facts = {
      nodeId,
      name: 'gateway-01',
      meshId,
      models: library.list(),
      packages,
      store,
      clock: new VirtualClock(),
    };
    const inventory = parseSiteInventory(JSON.stringify(await siteInventory(facts)));
    expect(inventory.models.map(({ model_id, files }) => [model_id, files.length])).toEqual([['acme/defects', 1]]);
    expect(inventory.packages).toMatchObject([{ id: LINE, version: '1.3', contents: { tools: [{}, {}] } }]);
  });
});
