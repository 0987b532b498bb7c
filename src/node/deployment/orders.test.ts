import { describe, expect, it, test } from 'vitest';
import { isNodeId, type NodeId } from '../../core/index.ts';
import {
  type ModelAccess,
  parseManifest,
  parseModelStatusPage,
  parseUpdateCommand,
  SIGNING_CONTEXTS,
} from '../../protocol/index.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { vectorCases } from '../../testkit/vectors.ts';
import { type OrderContext, signObject } from '../../trust/index.ts';
import { orderKeyOf, planAccess } from './orders.ts';

interface OrderCase {
  readonly name: string;
  readonly payload: unknown;
  readonly valid: boolean;
  readonly read?: Readonly<Record<string, unknown>> & { readonly key: string };
}

test.each(vectorCases<OrderCase>('deployment', 'orders.json'))('%s', (_name, { payload, valid, read }) => {
  if (!valid || read === undefined) {
    expect(() => parseUpdateCommand(payload)).toThrow(expect.objectContaining({ code: 'malformed' }));
    return;
  }
  const command = parseUpdateCommand(payload);
  const { key, ...said } = read;
  expect(command).toMatchObject(said);
  expect(orderKeyOf(command)).toBe(key);
});

describe('the manifest inside of an order', () => {
  const manifest = {
    ...{ model_id: 'acme/detector', name: 'detector', version: '1', model_type: 'detector', format: 'onnx' },
    ...{ size_bytes: 1, sha256: 'ab'.repeat(32) },
  };
  const order = (config: object) => ({
    ...{ type: 'model_update', command_id: 'd2719b1c-6c25-4a0e-9a43-0c7b0f4a9a11', timestamp: '2027-01-01T00:00:00Z' },
    manifest: { ...manifest, config },
  });
  const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);

  test.each([
    ['nested deeper than one may be by itself', { deep: nested(20) }, 'manifest: it is nested too deep'],
    ['larger than one may be by itself', { long: 'x'.repeat(70_000) }, 'manifest: over 65536 bytes'],
  ])('%s makes the order malformed', (_what, config, message) => {
    expect(() => parseUpdateCommand(order(config))).toThrow(
      expect.objectContaining({ code: 'malformed', message: expect.stringContaining(message) }),
    );
  });

  test('of the size and depth that one by itself may have is taken', () => {
    expect(parseUpdateCommand(order({ deep: nested(13), long: 'x'.repeat(60_000) })).manifest.model_id).toBe(
      'acme/detector',
    );
  });
});

interface StatusCase {
  readonly name: string;
  readonly payload: unknown;
  readonly valid: boolean;
  readonly progress?: readonly number[];
}

test.each(vectorCases<StatusCase>('deployment', 'status.json'))('%s', (_name, { payload, valid, progress }) => {
  if (!valid) expect(() => parseModelStatusPage(payload)).toThrow(expect.objectContaining({ code: 'malformed' }));
  else expect(parseModelStatusPage(payload).models.map((model) => model.download_progress)).toEqual(progress);
});

describe('planAccess()', () => {
  const NOW = 1_800_000_000_000;
  const mesh = makeTestMesh('orders', NOW);
  const [publisher, gateway, edge] = ['publisher', 'gateway', 'edge'].map((role) => mesh.member(role, { role }));
  const members = new Map([publisher, gateway, edge].map((one) => [one?.nodeId, one?.certificate]));
  const plain = parseManifest({
    ...{ model_id: 'acme/detector', name: 'detector', version: '1.0.0', model_type: 'detector', format: 'onnx' },
    ...{ size_bytes: 1, sha256: 'ab'.repeat(32) },
  });

  function access(policy?: ModelAccess) {
    const context: OrderContext = {
      certificateOf: (nodeId) => members.get(nodeId),
      isRevoked: () => false,
      policy,
      nowMs: NOW,
    };
    return planAccess(context);
  }

  function idOf(one: typeof publisher): NodeId {
    if (one === undefined || !isNodeId(one.nodeId)) throw new Error('no member');
    return one.nodeId;
  }

  it('heeds who may deploy, and says why it does not heed others', () => {
    expect(access().mayDeploy(plain, idOf(publisher))).toBeUndefined();
    expect(access().mayDeploy(plain, idOf(edge))).toMatchObject({ code: 'not_permitted' });
    expect(access().mayDeploy(plain, idOf(gateway))).toMatchObject({ code: 'bad_signature' });
  });

  it('tells a signature that is wrong from a right that is missing', () => {
    if (publisher === undefined) throw new Error('no publisher');
    const signer = { id: publisher.nodeId, privateKey: publisher.nodeKey };
    const signed = signObject(SIGNING_CONTEXTS.manifest, plain, signer, NOW);
    const forged = { ...signed, size_bytes: 2 };
    expect(access().mayDeploy(forged, idOf(gateway))).toMatchObject({ code: 'bad_signature' });
  });

  it('says which role may not read', () => {
    const policy: ModelAccess = { type: 'model_access', models: { 'acme/detector': { read: ['admin'] } } };
    expect(access(policy).mayRead(plain, 'edge')?.message).toContain('edge');
    expect(access(policy).mayRead(plain, 'admin')).toBeUndefined();
  });
});
