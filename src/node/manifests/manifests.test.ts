import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  manifestKey,
  manifestToEntry,
  parseManifest,
  parseModelAccess,
  SIGNING_CONTEXTS,
  shortManifest,
} from '../../protocol/index.ts';
import { makeTestMesh, type TestMesh } from '../../testkit/mesh-members.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { signManifest, signObject } from '../../trust/index.ts';
import { ManifestNode } from './manifest-bench.fixture.ts';

const DAY_MS = 86_400_000;
let clock: VirtualClock;
let mesh: TestMesh;
let open: ManifestNode[];

beforeEach(() => {
  clock = new VirtualClock();
  mesh = makeTestMesh('manifests', clock.nowMs());
  open = [];
});
afterEach(async () => {
  for (const node of open.splice(0)) await node[Symbol.asyncDispose]();
});

async function node(role: string, name?: string): Promise<ManifestNode> {
  const made = await ManifestNode.open(mesh, role, clock, name);
  open.push(made);
  return made;
}

const FACTS = { quantization: 'Q4_K_M', paramsBillions: 3, contextLength: 4096 };

/** An admin with a model, and an edge node that has heard of it. */
async function published() {
  const [admin, edge] = [await node('admin'), await node('edge')];
  const model = await admin.have('org/m', { 'm.gguf': 'weights' }, FACTS);
  await admin.tell(edge);
  return { admin, edge, model };
}

describe('a node that may write', () => {
  it('signs the manifest of what its owner imports, and others take it', async () => {
    const { admin, edge } = await published();
    const manifest = edge.manifestOf('org/m');
    expect(manifest).toMatchObject({ model_type: 'llm', quantization: 'Q4_K_M', params_billions: 3, file: 'm.gguf' });
    expect(manifest?.needs).toMatchObject({ min_memory_mb: 1, recommended_vram_mb: 2064 });
    expect(manifest?.signature?.signer).toBe(admin.identity.nodeId);
    expect(edge.manifests.all()).toEqual(admin.manifests.all());
    expect(edge.manifests.find(admin.model('org/m') as never)).toEqual(manifest);
  });

  it('makes an entry of it that a pull can start from', async () => {
    const { admin, edge } = await published();
    const manifest = edge.manifestOf('org/m');
    const [entry] = admin.bench.library.entries();
    const { source: _, source_ref: __, ...facts } = { ...entry };
    expect(manifest === undefined ? undefined : manifestToEntry(manifest)).toMatchObject(facts);
  });

  it('says nothing of what merely lies in a cache, until it is asked', async () => {
    const admin = await node('admin');
    const model = await admin.have('org/cached', { 'm.gguf': 'x' }, { source: 'huggingface' });
    expect(admin.log.list({ kind: 'manifest' })).toEqual([]);
    const manifest = admin.manifests.manifestHere(model);
    expect(manifest?.signature).toBeUndefined();
    if (manifest !== undefined) admin.manifests.publish(manifest);
    expect(admin.log.list({ kind: 'manifest' })).toHaveLength(1);
  });

  it('signs once, and not again after a restart or a scan', async () => {
    const { admin } = await published();
    const [before] = admin.log.list({ kind: 'manifest' });
    admin.reopen();
    admin.bench.library.changes.emit();
    await admin.settle();
    expect(admin.log.list({ kind: 'manifest' })).toEqual([before]);
  });

  it('signs again when half of the record’s life is over, also for a model that it has no more', async () => {
    const { admin, model } = await published();
    await admin.bench.library.remove(model);
    await clock.advance(183 * DAY_MS);
    const [record] = admin.log.list({ kind: 'manifest' });
    expect(record?.expires_at).toBeGreaterThan(clock.nowMs() + 364 * DAY_MS);
  });

  it('takes back the manifest of bytes that others took the place of', async () => {
    const { admin, edge, model } = await published();
    const old = admin.manifests.find(model as never);
    await admin.have('org/m', { 'm.gguf': 'other weights' }, FACTS);
    await admin.tell(edge);
    expect(edge.manifests.all().map(({ sha256 }) => sha256)).toEqual([admin.model('org/m').sha256]);
    expect(edge.manifests.lookUp('org/m', '1', old?.sha256)?.withdrawn).toBe(true);
  });
});

describe('the owner’s words', () => {
  it('replace what was generated, reach others, and outlive a scan and a restart', async () => {
    const { admin, edge, model } = await published();
    const before = admin.manifestOf('org/m');
    const said = parseManifest({ ...shortManifest(before ?? {}), license: 'MIT', deployment: { roles: ['edge'] } });
    admin.manifests.describe(model, said, false);
    admin.reopen();
    await admin.have('org/m', { 'm.gguf': 'weights' }, FACTS);
    await admin.tell(edge);
    const after = edge.manifestOf('org/m');
    expect(after).toMatchObject({ license: 'MIT', deployment: { roles: ['edge'] }, quantization: 'Q4_K_M' });
    expect(after?.revision).toBeGreaterThan(before?.revision ?? 0);
    expect(admin.manifests.ownWords(admin.model('org/m')).toSorted()).toEqual(['deployment', 'license']);
  });

  it('of a whole manifest take away what they leave out, of a partial one nothing', async () => {
    const { admin, model } = await published();
    const bare = { ...{ model_id: 'org/m', name: 'M', version: '1', model_type: 'llm', format: 'gguf' } };
    const said = parseManifest({ ...bare, size_bytes: 7, sha256: model.sha256 });
    expect(admin.manifests.describe(model, said, true)).toMatchObject({ name: 'M', quantization: 'Q4_K_M' });
    expect(admin.manifests.describe(model, said, false)).not.toHaveProperty('quantization');
  });

  it.each([
    ['another digest', { sha256: 'b'.repeat(64) }],
    ['another size', { size_bytes: 8 }],
    ['another version', { version: '2' }],
    ['another id', { model_id: 'org/n' }],
  ])('cannot give a model %s', async (_, lie) => {
    const { admin, model } = await published();
    const before = admin.manifestOf('org/m');
    const said = parseManifest({ ...shortManifest(before ?? {}), ...lie });
    expect(() => admin.manifests.describe(model, said, false)).toThrow(
      expect.objectContaining({ code: 'manifest_mismatch' }),
    );
    expect(admin.manifestOf('org/m')).toEqual(before);
  });

  it('cannot make a model its own ancestor, over others neither', async () => {
    const { admin, model } = await published();
    const child = await admin.have('org/child', { 'c.gguf': 'child' });
    const parentOf = (id: string, parent: string) =>
      parseManifest({ ...shortManifest(admin.manifestOf(id) ?? {}), parent_model: parent });
    admin.manifests.describe(child, parentOf('org/child', 'org/m'), false);
    const circle = expect.objectContaining({ code: 'bad_lineage' });
    expect(() => admin.manifests.describe(model, parentOf('org/m', 'org/child@1'), false)).toThrow(circle);
    expect(() => admin.manifests.describe(model, parentOf('org/m', 'org/m'), false)).toThrow(circle);
  });

  it('of a node that may not write hold at home, and not against a signed manifest', async () => {
    const { admin, edge } = await published();
    const own = await edge.have('edge/own', { 'm.gguf': 'own' });
    const said = (id: string) => parseManifest({ ...shortManifest(edge.manifestOf(id) ?? {}), license: 'MIT' });
    expect(edge.manifests.describe(own, said('edge/own'), false)).toMatchObject({ license: 'MIT' });
    expect(edge.log.list({ kind: 'manifest', author: edge.identity.nodeId })).toEqual([]);
    await edge.tell(admin);
    expect(admin.manifestOf('edge/own')).toBeUndefined();
    const same = await edge.have('org/m', { 'm.gguf': 'weights' }, FACTS);
    expect(() => edge.manifests.describe(same, said('org/m'), false)).toThrow(
      expect.objectContaining({ code: 'not_permitted' }),
    );
  });
});

describe('a model that was pulled', () => {
  it('keeps what it came with, and its owner’s words go on from there', async () => {
    const { admin } = await published();
    const publisher = await node('publisher');
    await admin.tell(publisher);
    admin.manifests.describe(
      admin.model('org/m'),
      parseManifest({
        ...shortManifest(admin.manifestOf('org/m') ?? {}),
        license: 'MIT',
        features: ['chat'],
      }),
      false,
    );
    await admin.tell(publisher);
    const model = await publisher.pull('org/m', admin);
    expect(publisher.log.list({ kind: 'manifest', author: publisher.identity.nodeId })).toEqual([]);
    const { license: _, ...unlicensed } = shortManifest(publisher.manifestOf('org/m') ?? {});
    publisher.manifests.describe(model, parseManifest(unlicensed), false);
    expect(publisher.manifests.ownWords(model)).toEqual(['license']);
    await publisher.tell(admin);
    expect(admin.manifestOf('org/m')).not.toHaveProperty('license');
    expect(admin.manifestOf('org/m')).toMatchObject({ features: ['chat'] });
  });
});

describe('a manifest that is taken back', () => {
  it('is gone everywhere, and comes back when it is published again', async () => {
    const { admin, edge } = await published();
    const manifest = admin.manifestOf('org/m');
    if (manifest === undefined) throw new Error('not published');
    const seen: string[][] = [];
    edge.manifests.changes.on(() => seen.push(edge.manifests.all().map(({ model_id }) => model_id)));
    admin.manifests.withdraw(manifest);
    await admin.tell(edge);
    expect([admin.manifests.all(), edge.manifests.all()]).toEqual([[], []]);
    admin.manifests.publish(manifest);
    await admin.tell(edge);
    expect(edge.manifestOf('org/m')).toMatchObject({ model_id: 'org/m', withdrawn: false });
    expect(seen).toEqual([[], ['org/m']]);
  });
});

describe('what others publish', () => {
  it('counts by the newest revision, and an older one shown again never does', async () => {
    const { admin, edge, model } = await published();
    const [old] = admin.log.list({ kind: 'manifest' });
    const said = { ...shortManifest(admin.manifestOf('org/m') ?? {}), license: 'MIT' };
    admin.manifests.describe(model, parseManifest(said), false);
    await admin.tell(edge);
    // A gateway may pass manifests on: an old one, rightly signed once.
    const gateway = await node('gateway');
    gateway.log.publish({ kind: 'manifest', key: old?.key ?? '', payload: old?.payload ?? {}, ttlMs: DAY_MS });
    await gateway.tell(edge);
    expect(edge.manifestOf('org/m')).toMatchObject({ license: 'MIT' });
    // Nor when the newer one has run out.
    await clock.advance(360 * DAY_MS);
    gateway.log.publish({ kind: 'manifest', key: old?.key ?? '', payload: old?.payload ?? {}, ttlMs: 300 * DAY_MS });
    await gateway.tell(edge);
    await clock.advance(10 * DAY_MS);
    edge.log.sweep();
    await edge.settle();
    expect(edge.manifests.all()).toEqual([]);
  });

  it('is one manifest for all where two admins disagree: the one that was signed last', async () => {
    const admins = [await node('admin', 'ann'), await node('admin', 'bob')] as const;
    const edge = await node('edge');
    for (const [index, admin] of admins.entries()) {
      const model = await admin.have('org/m', { 'm.gguf': 'weights' }, FACTS);
      const said = { ...shortManifest(admin.manifestOf('org/m') ?? {}), license: `LicenseRef-${index}` };
      admin.manifests.describe(model, parseManifest(said), false);
      await clock.advance(1000);
    }
    for (const [from, to] of [admins, admins.toReversed()] as const) await from?.tell(...(to ? [to] : []), edge);
    for (const one of [...admins, edge])
      expect(one.manifests.all().map(({ license }) => license)).toEqual(['LicenseRef-1']);
    // And nobody signs again because of the other.
    const signed = admins.map(({ log }) => log.list({ kind: 'manifest' }).map(({ seq }) => seq));
    for (const admin of admins) admin.bench.library.changes.emit();
    await clock.advance(1000);
    expect(admins.map(({ log }) => log.list({ kind: 'manifest' }).map(({ seq }) => seq))).toEqual(signed);
  });

  it('counts whoever passed it on, and not what one who may not write has signed', async () => {
    const [admin, gateway, edge] = [await node('admin'), await node('gateway'), await node('edge')];
    const plain = parseManifest({
      ...{ model_id: 'g/m', name: 'm', version: '1', model_type: 'llm', format: 'gguf', size_bytes: 1 },
      sha256: 'c'.repeat(64),
    });
    const sign = ({ identity }: ManifestNode) =>
      signManifest(plain, {
        signer: { id: identity.nodeId, privateKey: identity.nodeKey },
        ...{ nowMs: clock.nowMs(), before: 0 },
      });
    const pass = async (payload: object) => {
      gateway.log.publish({ kind: 'manifest', key: manifestKey(plain), payload: { ...payload }, ttlMs: DAY_MS });
      await gateway.tell(edge);
      return edge.manifestOf('g/m')?.signature?.signer;
    };
    await admin.tell(edge);
    expect(await pass(sign(gateway))).toBeUndefined();
    expect(await pass(plain)).toBeUndefined();
    expect(await pass(shortManifest(sign(admin)))).toBe(admin.identity.nodeId);
    expect(await pass({ ...sign(admin), license: 'changed' })).toBeUndefined();
  });

  it('does not count under another key, nor from the future', async () => {
    const [admin, edge] = [await node('admin'), await node('edge')];
    const plain = parseManifest({
      ...{ model_id: 'g/m', name: 'm', version: '1', model_type: 'llm', format: 'gguf', size_bytes: 1 },
      sha256: 'c'.repeat(64),
    });
    const signer = { id: admin.identity.nodeId, privateKey: admin.identity.nodeKey };
    const far = signManifest(plain, { signer, nowMs: clock.nowMs() + 400_000, before: 0 });
    admin.log.publish({ kind: 'manifest', key: manifestKey(plain), payload: shortManifest(far), ttlMs: DAY_MS });
    const good = signObject(SIGNING_CONTEXTS.manifest, shortManifest(plain), signer, clock.nowMs());
    admin.log.publish({ kind: 'manifest', key: 'f'.repeat(32), payload: good, ttlMs: DAY_MS });
    await admin.tell(edge);
    expect(edge.manifests.all()).toEqual([]);
  });

  it('ends with its signer’s membership, and with its right to write', async () => {
    const { admin, edge } = await published();
    const denied = parseModelAccess({ type: 'model_access', models: { 'org/m': { write: ['publisher'] } } });
    edge.setPolicy(denied);
    expect(edge.manifests.all()).toEqual([]);
    edge.setPolicy(undefined);
    expect(edge.manifests.all()).toHaveLength(1);
    edge.log.revoke(mesh.authority, admin.identity.nodeId, 'stolen');
    await edge.settle();
    expect(edge.manifests.all()).toEqual([]);
  });

  it('stays with a model that came with it, when its publisher is gone', async () => {
    const { admin, edge } = await published();
    await edge.pull('org/m', admin);
    const signed = edge.manifestOf('org/m');
    await clock.advance(366 * DAY_MS);
    edge.log.sweep();
    await edge.settle();
    expect(edge.log.list({ kind: 'manifest' })).toEqual([]);
    expect(edge.manifestOf('org/m')).toEqual(signed);
  });
});
