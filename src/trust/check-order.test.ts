import { beforeEach, expect, test } from 'vitest';
import { isNodeId, type NodeId } from '../core/index.ts';
import { type ModelAccess, type NodeCertificate, SIGNING_CONTEXTS } from '../protocol/index.ts';
import { type Authority, issueCertificate } from './certificates.ts';
import {
  checkManifest,
  checkOrder,
  checkRollout,
  FLAW_WORDS,
  isCodePermitted,
  ORDER_FLAWS,
  type OrderContext,
  verifyManifest,
  verifyOrder,
} from './check-order.ts';
import { keyFromSeed, publicBytesOf, toMeshId, toNodeId } from './keys.ts';
import { type Signer, signObject } from './signatures.ts';

const NOW = 1_800_000_000_000;
const keyOf = (number: number) => keyFromSeed(Buffer.alloc(32, number));
const authorityKey = keyOf(99);
const authority: Authority = { id: toMeshId(publicBytesOf(authorityKey)), privateKey: authorityKey };

function member(number: number): Signer & { readonly id: NodeId } {
  const privateKey = keyOf(number);
  return { id: toNodeId(publicBytesOf(privateKey)), privateKey };
}

const admin = member(1);
const publisher = member(2);
const gateway = member(3);
const edge = member(4);
const stranger = member(5);
const certificates = new Map<NodeId, NodeCertificate>();
const revoked = new Set<NodeId>();

function certify({ id }: { readonly id: NodeId }, role: string, issuedMs = NOW - 1000): void {
  certificates.set(
    id,
    issueCertificate(authority, { nodeId: id, role, name: role, serial: 1, nowMs: issuedMs, lifeMs: 10_000 }),
  );
}

beforeEach(() => {
  certificates.clear();
  revoked.clear();
  certify(admin, 'admin');
  certify(publisher, 'publisher');
  certify(gateway, 'gateway');
  certify(edge, 'edge');
});

const context = (policy?: ModelAccess): OrderContext => ({
  certificateOf: (id) => certificates.get(id),
  isRevoked: (id) => revoked.has(id),
  policy,
  nowMs: NOW,
});

const MODEL = { model_id: 'yolov8n', version: '8.0.0', sha256: 'ab'.repeat(32) };
const signed = (by: Signer, model: typeof MODEL = MODEL) => signObject(SIGNING_CONTEXTS.manifest, model, by, NOW);

test('checkManifest() takes what a publisher or an admin signed', () => {
  expect([publisher, admin].map((by) => checkManifest(signed(by), context()))).toEqual([undefined, undefined]);
});

test('checkManifest() names what is wrong: unsigned, by whom, changed, put out, expired', () => {
  expect(checkManifest(MODEL, context())).toBe('manifest_unsigned');
  expect(checkManifest(signed(gateway), context())).toBe('write_not_permitted');
  expect(checkManifest(signed(stranger), context())).toBe('signer_unknown');
  expect(checkManifest(signed(authority), context())).toBe('signer_unknown');
  expect(checkManifest({ ...signed(publisher), version: '9' } as never, context())).toBe('manifest_signature_wrong');
  revoked.add(publisher.id);
  expect(checkManifest(signed(publisher), context())).toBe('signer_revoked');
  certify(admin, 'admin', NOW - 20_000);
  expect(checkManifest(signed(admin), context())).toBe('signer_expired');
});

test('a signature for another kind of object is no signature of a manifest', () => {
  const asRecord = signObject(SIGNING_CONTEXTS.record, MODEL, publisher, NOW);
  expect(checkManifest(asRecord, context())).toBe('manifest_signature_wrong');
});

test('the role is that of the certificate now: one that was taken back writes no more', () => {
  certify(publisher, 'edge');
  expect(checkManifest(signed(publisher), context())).toBe('write_not_permitted');
});

test('checkOrder() takes a gateway’s order of what a publisher signed, and no edge’s', () => {
  const manifest = signed(publisher);
  expect(checkOrder({ author: gateway.id, manifest }, context())).toBeUndefined();
  expect(checkOrder({ author: edge.id, manifest }, context())).toBe('deploy_not_permitted');
  expect(checkOrder({ author: stranger.id, manifest }, context())).toBe('orderer_unknown');
  expect(checkOrder({ author: authority.id, manifest }, context())).toBe('orderer_unknown');
  revoked.add(gateway.id);
  expect(checkOrder({ author: gateway.id, manifest }, context())).toBe('orderer_revoked');
});

test('who may write vouches by its order for what nobody signed; who may deploy only does not', () => {
  expect(checkOrder({ author: admin.id, manifest: MODEL }, context())).toBeUndefined();
  expect(checkOrder({ author: gateway.id, manifest: MODEL }, context())).toBe('manifest_unsigned');
  expect(checkOrder({ author: admin.id, manifest: signed(stranger) }, context())).toBeUndefined();
});

test('nobody vouches for a manifest that was changed, or signed by a key that was put out', () => {
  const changed = { ...signed(publisher), sha256: 'cd'.repeat(32) } as never;
  expect(checkOrder({ author: admin.id, manifest: changed }, context())).toBe('manifest_signature_wrong');
  revoked.add(publisher.id);
  expect(checkOrder({ author: admin.id, manifest: signed(publisher) }, context())).toBe('signer_revoked');
});

test('to take a model away needs the right to deploy, and no signature', () => {
  expect(checkOrder({ author: gateway.id, action: 'remove', manifest: MODEL }, context())).toBeUndefined();
  expect(checkOrder({ author: edge.id, action: 'remove', manifest: MODEL }, context())).toBe('deploy_not_permitted');
});

test('the policy decides model by model', () => {
  const policy: ModelAccess = {
    type: 'model_access',
    models: { yolov8n: { write: ['edge'], deploy: ['edge'], ship_code: ['edge'] } },
  };
  expect(checkOrder({ author: edge.id, manifest: signed(edge) }, context(policy))).toBeUndefined();
  expect(checkOrder({ author: admin.id, manifest: signed(edge) }, context(policy))).toBe('deploy_not_permitted');
  expect(isCodePermitted({ author: edge.id, manifest: signed(edge) }, context(policy))).toBe(true);
  expect(isCodePermitted({ author: edge.id, manifest: signed(admin) }, context(policy))).toBe(true);
  expect(isCodePermitted({ author: edge.id, manifest: signed(edge) }, context())).toBe(false);
});

test('checkRollout() holds the one who ordered to its word, whoever coordinates', () => {
  const spec = { ordered_by: publisher.id, manifest: signed(publisher), waves: ['1', '100%'] };
  const good = signObject(SIGNING_CONTEXTS.rollout, spec, publisher, NOW);
  expect(checkRollout(good, context())).toBeUndefined();
  expect(checkRollout(spec, context())).toBe('order_unsigned');
  expect(checkRollout({ ...good, waves: ['100%'] } as never, context())).toBe('order_signature_wrong');
  const byEdge = signObject(SIGNING_CONTEXTS.rollout, { ...spec, ordered_by: edge.id }, edge, NOW);
  expect(checkRollout(byEdge, context())).toBe('deploy_not_permitted');
  const carried = signObject(SIGNING_CONTEXTS.rollout, { ...spec, ordered_by: publisher.id }, edge, NOW);
  expect(checkRollout(carried, context())).toBe('order_signature_wrong');
});

test('a rollout that goes back to what nobody signed is refused from one who may not write', () => {
  const spec = { ordered_by: gateway.id, manifest: signed(publisher), previous: MODEL };
  expect(checkRollout(signObject(SIGNING_CONTEXTS.rollout, spec, gateway, NOW), context())).toBe('manifest_unsigned');
});

test('verifyManifest() and verifyOrder() throw with the reason as data', () => {
  expect(() => verifyManifest(MODEL, context())).toThrow(
    expect.objectContaining({ code: 'manifest_refused', data: { reason: 'manifest_unsigned' } }),
  );
  expect(() => verifyOrder({ author: edge.id, manifest: MODEL }, context())).toThrow(
    expect.objectContaining({ code: 'order_refused', data: { reason: 'deploy_not_permitted' } }),
  );
  expect(() => verifyOrder({ author: edge.id, manifest: MODEL }, context())).toThrow(
    'the role edge may not deploy it; these may: admin, publisher, gateway',
  );
  expect(() => verifyManifest(signed(publisher), context())).not.toThrow();
});

test('every flaw has words, and the ids of this test are node ids', () => {
  expect(Object.keys(FLAW_WORDS).sort()).toEqual([...ORDER_FLAWS].sort());
  expect([admin, edge].every(({ id }) => isNodeId(id))).toBe(true);
});
