/**
 * Attacks of the TUF specification on what is said: records as they arrive, orders and manifests as they are judged. Through the
 * record log over SQLite, the book of orders and the checks that ship. Spec: docs/spec/20-access.md §7.
 */
import { afterEach, describe, expect, test } from 'vitest';
import { Emitter, type NodeId, silentLogger } from '../../core/index.ts';
import type { MembershipEvent } from '../../mesh/index.ts';
import { RecordLog } from '../../mesh/record-log.ts';
import {
  type ModelAccess,
  type ModelManifest,
  manifestKey,
  parseManifest,
  parseUpdateCommand,
  SIGNING_CONTEXTS,
  type SignedRecord,
  type UpdateCommand,
} from '../../protocol/index.ts';
import { ModelCatalog, openRegistry, type Registry } from '../../registry/index.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import {
  checkManifest,
  checkRollout,
  type Identity,
  type OrderContext,
  policyInForce,
  signManifest,
  signObject,
  signRecord,
} from '../../trust/index.ts';
import { OrderBook, orderKeyOf, planAccess } from '../deployment/orders.ts';
import { ManifestBook } from '../manifests/manifest-book.ts';

const HOUR_MS = 3_600_000;
const YEAR_MS = 8760 * HOUR_MS;
const stack: Disposable[] = [];
afterEach(() => {
  for (const one of stack.splice(0).reverse()) one[Symbol.dispose]();
});

/** One node that hears what others say, and its members. */
function setUp() {
  const clock = new VirtualClock();
  const mesh = makeTestMesh('attacked', clock.nowMs() - HOUR_MS);
  const here = mesh.member('here', { role: 'edge', withAuthority: true });
  const registry = openRegistry(':memory:');
  stack.push(registry);
  const open = (identity: Identity, records: Registry['records'] = registry.records): RecordLog =>
    new RecordLog({ identity, store: records, clock, logger: silentLogger });
  const log = open(here);
  const join = (name: string, role: string): Identity => {
    const member = mesh.member(name, { role });
    log.accept(member.certificateRecord, undefined);
    return member;
  };
  const context = (policy?: ModelAccess): OrderContext => ({
    certificateOf: (id) => log.certificateOf(id),
    isRevoked: (id) => log.isRevoked(id),
    policy,
    nowMs: clock.nowMs(),
  });
  return { clock, mesh, here, registry, log, open, join, context };
}

const signerOf = (identity: Identity) => ({ id: identity.nodeId, privateKey: identity.nodeKey });
const rejectionOf = (log: RecordLog, record: SignedRecord): string | undefined => {
  const verdict = log.accept(record, undefined);
  return verdict.accepted ? undefined : verdict.rejection;
};

function manifestOf(version: string, digit: string): ModelManifest {
  const facts = { model_id: 'acme/eye', name: 'eye', model_type: 'detector', format: 'onnx', size_bytes: 100 };
  return parseManifest({ ...facts, version, sha256: digit.repeat(64) });
}

function signedBy(identity: Identity, manifest: ModelManifest, nowMs: number, before = 0): ModelManifest {
  return signManifest(manifest, { signer: signerOf(identity), nowMs, before });
}

function commandFor(manifest: ModelManifest): UpdateCommand {
  const facts = { type: 'model_update', command_id: crypto.randomUUID(), timestamp: '2027-01-01T00:00:00Z' };
  return parseUpdateCommand({ ...facts, manifest });
}

function orderBy(identity: Identity, command: UpdateCommand, { seq, nowMs, ttlMs = YEAR_MS }: Times): SignedRecord {
  const draft = {
    kind: 'deployment' as const,
    key: orderKeyOf(command),
    payload: command,
    seq,
    issuedAtMs: nowMs,
    ttlMs,
  };
  return signRecord(draft, signerOf(identity));
}
interface Times {
  readonly seq: number;
  readonly nowMs: number;
  readonly ttlMs?: number;
}

function bookOf(log: RecordLog): OrderBook {
  const membershipEvents = new Emitter<MembershipEvent>();
  const book = new OrderBook({ records: log.list.bind(log), recordEvents: log.events, membershipEvents }, () => {});
  stack.push(book);
  return book;
}

describe('arbitrary installation', () => {
  test('an order of a node whose role orders nothing is not even kept', () => {
    const { clock, log, join } = setUp();
    const edge = join('edge', 'edge');
    const order = orderBy(edge, commandFor(manifestOf('1', 'a')), { seq: 1, nowMs: clock.nowMs() });
    expect(rejectionOf(log, order)).toBe('not_allowed');
    const asGateway = { ...order, author: join('gate', 'gateway').nodeId };
    expect(rejectionOf(log, asGateway)).toBe('bad_signature');
  });

  test('an order of a gateway is heeded for what a publisher signed, and for nothing else', () => {
    const { clock, log, join, context } = setUp();
    const [gateway, publisher, edge] = [join('gate', 'gateway'), join('lab', 'publisher'), join('edge', 'edge')];
    const book = bookOf(log);
    const nowMs = clock.nowMs();
    const good = signedBy(publisher, manifestOf('1', 'a'), nowMs);
    const byEdge = signedBy(edge, manifestOf('2', 'b'), nowMs);
    const cases = [good, manifestOf('1', 'c'), byEdge, { ...good, sha256: manifestOf('1', 'd').sha256 }];
    for (const [seq, manifest] of cases.entries()) {
      expect(rejectionOf(log, orderBy(gateway, commandFor(manifest), { seq: seq + 1, nowMs }))).toBeUndefined();
      const [order] = book.list();
      const refusal = order && planAccess(context()).mayDeploy(order.command.manifest, order.author);
      expect([seq, refusal?.code]).toEqual([seq, [undefined, 'bad_signature', 'not_permitted', 'bad_signature'][seq]]);
    }
  });
});

describe('mix-and-match', () => {
  const { clock, join, context } = setUp();
  const publisher = join('lab', 'publisher');
  const nowMs = clock.nowMs();
  const one = signedBy(publisher, manifestOf('1', 'a'), nowMs);
  const two = signedBy(publisher, manifestOf('2', 'b'), nowMs);

  test.each([
    ['the bytes of one version under the number of another', { ...two, sha256: one.sha256 }],
    ['the signature of one under the facts of another', { ...two, signature: one.signature }],
    ['another size', { ...two, size_bytes: 1 }],
    ['another model', { ...two, model_id: 'acme/ear' }],
    ['a piece root that was not signed', { ...two, piece_root: 'ab'.repeat(32) }],
  ])('%s is no manifest', (_what, mixed) => {
    expect(checkManifest(two, context())).toBeUndefined();
    expect(checkManifest(parseManifest(mixed), context())).toBe('manifest_signature_wrong');
  });

  test('a rollout with another way back than the one that was signed is no rollout', () => {
    const spec = { ordered_by: publisher.nodeId, manifest: two, previous: one, waves: ['1', '100%'] };
    const signed = signObject(SIGNING_CONTEXTS.rollout, spec, signerOf(publisher), nowMs);
    expect(checkRollout(signed, context())).toBeUndefined();
    expect(checkRollout({ ...signed, previous: two }, context())).toBe('order_signature_wrong');
  });
});

describe('rollback', () => {
  test('an order that was replaced is refused, also when the newer one is over and after a restart', async () => {
    const { clock, here, log, open, join } = setUp();
    const admin = join('office', 'admin');
    const nowMs = clock.nowMs();
    const old = orderBy(admin, commandFor(manifestOf('1', 'a')), { seq: 1, nowMs });
    const newer = orderBy(admin, commandFor(manifestOf('2', 'b')), { seq: 2, nowMs, ttlMs: HOUR_MS });
    expect([rejectionOf(log, old), rejectionOf(log, newer), rejectionOf(log, old)]).toEqual([
      undefined,
      undefined,
      'stale',
    ]);
    await clock.advance(HOUR_MS + 1);
    log.sweep();
    expect(log.list({ kind: 'deployment' })).toEqual([]);
    expect(rejectionOf(log, old)).toBe('stale');
    expect(rejectionOf(open(here), old)).toBe('stale');
  });

  test('an admin’s policy that closed a model is not undone by the one before it', async () => {
    const { clock, log, join } = setUp();
    const admin = join('office', 'admin');
    const say = (seq: number, read: string[], ttlMs: number) => {
      const payload = { type: 'model_access', models: { secret: { read } } };
      const draft = { kind: 'access' as const, key: '', payload, seq, issuedAtMs: clock.nowMs(), ttlMs };
      return signRecord(draft, signerOf(admin));
    };
    const open = say(1, ['edge'], YEAR_MS);
    expect([open, say(2, [], HOUR_MS)].map((record) => rejectionOf(log, record))).toEqual([undefined, undefined]);
    await clock.advance(2 * HOUR_MS);
    log.sweep();
    expect(rejectionOf(log, open)).toBe('stale');
  });

  test('an older revision of a manifest, shown by another member under its own name, does not count', () => {
    const { clock, registry, log, join, context } = setUp();
    const [publisher, other] = [join('lab', 'publisher'), join('gate', 'gateway')];
    const changes = new Emitter<void>();
    const book = new ManifestBook({
      mesh: { records: log.list.bind(log), recordEvents: log.events, membershipEvents: new Emitter() },
      policy: { changes, orderContext: () => context() },
      revisions: registry.manifests,
      ...{ clock, logger: silentLogger },
    });
    stack.push(book);
    const first = signedBy(publisher, { ...manifestOf('1', 'a'), license: 'MIT' }, clock.nowMs());
    const second = signedBy(publisher, { ...manifestOf('1', 'a'), license: 'none' }, clock.nowMs(), first.revision);
    const key = manifestKey(first);
    const publish = (author: Identity, manifest: ModelManifest, seq: number) => {
      const draft = { kind: 'manifest' as const, payload: manifest, seq, issuedAtMs: clock.nowMs(), ttlMs: YEAR_MS };
      return rejectionOf(log, signRecord({ ...draft, key }, signerOf(author)));
    };
    expect(publish(publisher, second, 1)).toBeUndefined();
    expect(publish(other, first, 1)).toBeUndefined();
    expect(book.get(key)?.license).toBe('none');
  });
});

describe('fast-forward', () => {
  test('numbers used up by a stolen key stop that key alone, and end with it: the machine comes back with another', () => {
    const { clock, mesh, log, open, join } = setUp();
    const stolen = join('lab', 'publisher');
    const beat = { kind: 'heartbeat' as const, key: '', payload: { type: 'heartbeat' }, ttlMs: 60_000 };
    const nowMs = clock.nowMs();
    const last = signRecord({ ...beat, seq: Number.MAX_SAFE_INTEGER, issuedAtMs: nowMs }, signerOf(stolen));
    expect(rejectionOf(log, last)).toBeUndefined();
    expect(rejectionOf(log, signRecord({ ...beat, seq: 5, issuedAtMs: nowMs }, signerOf(stolen)))).toBe('stale');
    const bystander = join('gate', 'gateway');
    const elsewhere = openRegistry(':memory:');
    stack.push(elsewhere);
    expect(rejectionOf(log, open(bystander, elsewhere.records).publish(beat))).toBeUndefined();
    log.revoke(mesh.authority, stolen.nodeId, 'stolen');
    expect(log.list({ author: stolen.nodeId })).toEqual([]);
    expect(rejectionOf(log, last)).toBe('revoked_author');
    const again = join('lab-2', 'publisher');
    expect(rejectionOf(log, signRecord({ ...beat, seq: 1, issuedAtMs: nowMs }, signerOf(again)))).toBeUndefined();
  });

  test('a record of the future is refused, so nobody is ahead of the others for long', () => {
    const { clock, log, join } = setUp();
    const admin = join('office', 'admin');
    const ahead = orderBy(admin, commandFor(manifestOf('9', 'f')), { seq: 1, nowMs: clock.nowMs() + 301_000 });
    expect(rejectionOf(log, ahead)).toBe('from_future');
  });
});

describe('indefinite freeze', () => {
  test('every word has an end: one without is refused, and what is not said again is over', async () => {
    const { clock, log, join } = setUp();
    const admin = join('office', 'admin');
    const command = commandFor(manifestOf('1', 'a'));
    const forever = orderBy(admin, command, { seq: 1, nowMs: clock.nowMs(), ttlMs: YEAR_MS + 1 });
    expect(rejectionOf(log, forever)).toBe('bad_lifetime');
    expect(rejectionOf(log, orderBy(admin, command, { seq: 2, nowMs: clock.nowMs() }))).toBeUndefined();
    await clock.advance(24 * HOUR_MS);
    expect(log.list({ kind: 'deployment' })).toHaveLength(1);
    await clock.advance(YEAR_MS);
    expect(log.list({ kind: 'deployment' })).toEqual([]);
  });

  test('a node of which only old words are shown is gone from the catalog when they are over', async () => {
    const { clock, join } = setUp();
    const catalog = new ModelCatalog({ clock });
    const { nodeId } = join('lab', 'publisher');
    const heartbeat = { type: 'heartbeat', node_name: 'lab', program_version: '1', http: [], mesh: [] };
    catalog.processHeartbeat(nodeId, heartbeat as never, { ageMs: 0 });
    expect(catalog.getNodes().map((node) => node.nodeId)).toEqual([nodeId]);
    await clock.advance(301_000);
    expect(catalog.getNodes()).toEqual([]);
    catalog.close();
  });
});

describe('key compromise', () => {
  test('when the key is revoked its orders are gone, its signatures count no more, and the orders of others hold again', () => {
    const { clock, mesh, log, join, context } = setUp();
    const [stolen, admin] = [join('lab', 'publisher'), join('office', 'admin')];
    const book = bookOf(log);
    const nowMs = clock.nowMs();
    const good = signedBy(admin, manifestOf('1', 'a'), nowMs);
    const evil = signedBy(stolen, manifestOf('2', 'e'), nowMs + 1);
    for (const order of [
      orderBy(admin, commandFor(good), { seq: 1, nowMs }),
      orderBy(stolen, commandFor(evil), { seq: 1, nowMs: nowMs + 1 }),
    ])
      expect(rejectionOf(log, order)).toBeUndefined();
    expect(book.list()).toHaveLength(2);
    log.revoke(mesh.authority, stolen.nodeId, 'stolen');
    expect(book.list().map(({ command }) => command.manifest.version)).toEqual(['1']);
    expect(checkManifest(evil, context())).toBe('signer_revoked');
    const byAdmin = planAccess(context()).mayDeploy(evil, admin.nodeId as NodeId);
    expect(byAdmin?.code).toBe('bad_signature');
    expect(planAccess(context()).mayDeploy(evil, admin.nodeId, 'remove')).toBeUndefined();
  });

  test('what a stolen key may do is what its role may: a gateway’s signs no model and says no policy', () => {
    const { clock, log, join, context } = setUp();
    const gateway = join('gate', 'gateway');
    expect(checkManifest(signedBy(gateway, manifestOf('1', 'a'), clock.nowMs()), context())).toBe(
      'write_not_permitted',
    );
    const policy = { type: 'model_access', models: { '*': { write: ['gateway'] } } };
    const draft = {
      kind: 'access' as const,
      key: '',
      payload: policy,
      seq: 1,
      issuedAtMs: clock.nowMs(),
      ttlMs: HOUR_MS,
    };
    expect(rejectionOf(log, signRecord(draft, signerOf(gateway)))).toBe('not_allowed');
  });

  test('a machine that leaves and joins with a new key orders as before, and signs anew what it had signed', () => {
    const { clock, mesh, log, join, context } = setUp();
    const before = join('lab', 'publisher');
    const manifest = signedBy(before, manifestOf('1', 'a'), clock.nowMs());
    log.revoke(mesh.authority, before.nodeId, 'new key');
    const after = join('lab, new key', 'publisher');
    expect(checkManifest(manifest, context())).toBe('signer_revoked');
    expect(checkManifest(signedBy(after, manifest, clock.nowMs(), manifest.revision), context())).toBeUndefined();
    const order = orderBy(after, commandFor(manifest), { seq: 1, nowMs: clock.nowMs() });
    expect(rejectionOf(log, order)).toBeUndefined();
  });

  test('after a new authority nothing of the old mesh is believed', () => {
    const { clock, join, context } = setUp();
    const publisher = join('lab', 'publisher');
    const manifest = signedBy(publisher, manifestOf('1', 'a'), clock.nowMs());
    const other = makeTestMesh('another authority', clock.nowMs() - HOUR_MS);
    const registry = openRegistry(':memory:');
    stack.push(registry);
    const identity = other.member('here', { role: 'edge' });
    const log = new RecordLog({ identity, store: registry.records, clock, logger: silentLogger });
    expect(rejectionOf(log, publisher.certificateRecord)).toBe('other_mesh');
    const order = orderBy(publisher, commandFor(manifest), { seq: 1, nowMs: clock.nowMs() });
    expect(rejectionOf(log, order)).toBe('unknown_author');
    const there = { ...context(), certificateOf: (id: NodeId) => log.certificateOf(id) };
    expect(checkManifest(manifest, there)).toBe('signer_unknown');
  });

  test('a certificate that ends takes the right with it, from that moment on', async () => {
    const { clock, mesh, log, context } = setUp();
    const guest = mesh.member('guest', { role: 'publisher', nowMs: clock.nowMs(), lifeMs: HOUR_MS });
    log.accept(guest.certificateRecord, undefined);
    const manifest = signedBy(guest, manifestOf('1', 'a'), clock.nowMs());
    expect(checkManifest(manifest, context())).toBeUndefined();
    await clock.advance(HOUR_MS);
    expect(checkManifest(manifest, context())).toBe('signer_expired');
    const order = orderBy(guest, commandFor(manifest), { seq: 1, nowMs: clock.nowMs() });
    expect(rejectionOf(log, order)).toMatch(/certificate_invalid|unknown_author/);
  });

  test('two admins who disagree leave one policy, the same whoever is heard first, and revoking one leaves the other’s', () => {
    const { clock, mesh, log, join } = setUp();
    const [ann, bob] = [join('ann', 'admin'), join('bob', 'admin')];
    const say = (who: Identity, role: string, nowMs: number) => {
      const payload = { type: 'model_access', models: { m: { read: [role] } } };
      return signRecord({ kind: 'access', key: '', payload, seq: 1, issuedAtMs: nowMs, ttlMs: HOUR_MS }, signerOf(who));
    };
    const [first, second] = [say(ann, 'edge', clock.nowMs() - 1), say(bob, 'gateway', clock.nowMs())];
    for (const record of [second, first]) expect(rejectionOf(log, record)).toBeUndefined();
    const inForce = () =>
      policyInForce(log.list({ kind: 'access' }), {
        certificateOf: (id) => log.certificateOf(id),
        isRevoked: (id) => log.isRevoked(id),
      });
    expect(inForce()).toEqual(second);
    log.revoke(mesh.authority, bob.nodeId, 'left');
    expect(inForce()).toEqual(first);
  });
});
