import { describe, expect, it } from 'vitest';
import type { OrderEvent } from '../../api/index.ts';
import { Emitter, type NodeId } from '../../core/index.ts';
import { type ModelStatusEntry, parseUpdateCommand, type UpdateCommand } from '../../protocol/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { NODE_LIMITS } from '../limits.ts';
import { followOrder } from './follow-order.ts';
import type { NodeParts } from './parts.ts';

const IDS = [
  '12D3KooWRawPbxPtP1eZaJpumGnyWX2DcUyd3RQnydr3eAto4Az7',
  '12D3KooWPPkxEvcPrKbjfZMrUqEtEFdNW1TFViWEX8SVV2cb8M9k',
  '12D3KooWQYhTNQdmr3ArTeUHRYzFg94BKyTkoWBDWez9kSCVe2Xo',
] as NodeId[];
const [SELF, NEAR, AWAY] = IDS as [NodeId, NodeId, NodeId];
const ORDER = '6f9f1d5e-3f52-4b8e-9c1a-7a5a0d9b2c11';

/** A mesh of this node, one that is online and one that is away. */
class Fleet {
  readonly clock = new VirtualClock();
  readonly changes = new Emitter<NodeId>();
  readonly #told = new Map<NodeId, ModelStatusEntry[]>();
  readonly #orders: unknown[] = [];

  /** The mesh holds it. */
  hold(command: UpdateCommand, author: NodeId, issued_at: number): void {
    this.#orders.push({ kind: 'deployment', author, issued_at, payload: command });
  }

  tell(nodeId: NodeId, ...entries: Partial<ModelStatusEntry>[]): void {
    const whole = { model_id: 'acme/detector', version: '1.0.0', sha256: 'ab'.repeat(32), status: 'Loaded' };
    const more = { download_progress: 1, because: `command:${ORDER}`, updated_at: '2027-01-15T08:00:00Z' };
    this.#told.set(nodeId, entries.map((entry) => ({ ...whole, ...more, ...entry })) as ModelStatusEntry[]);
    this.changes.emit(nodeId);
  }

  get parts(): NodeParts {
    const members = IDS.map((nodeId) => ({
      ...{
        nodeId,
        name: nodeId === AWAY ? 'away' : nodeId === NEAR ? 'near' : 'self',
        role: 'edge',
        expiresAtMs: 2e12,
      },
      ...{ revokedAtMs: undefined, connected: true, isSelf: nodeId === SELF },
    }));
    const certificateOf = (id: NodeId) =>
      id === AWAY ? { name: 'boss', role: 'admin', issued_at: 0, expires_at: 2e12 } : undefined;
    const heard = [{ nodeId: NEAR, name: 'near', endpoints: { http: [] }, modelCount: 0 }];
    const statuses = { changes: this.changes, of: (nodeId: NodeId) => this.#of(nodeId) };
    return {
      ...{ name: 'self', clock: this.clock, httpUrl: () => '', library: { entries: () => [] } },
      mesh: { nodeId: SELF, members: () => members, records: () => this.#orders, certificateOf },
      catalog: { getNodes: () => heard },
      feedback: { standingOf: () => null },
      nodes: { get: () => undefined, self: () => undefined },
      access: { orderContext: () => ({ certificateOf, isRevoked: () => false, policy: undefined, nowMs: 1.9e12 }) },
      deployment: { statuses, nodes: { nodes: () => [] } },
    } as unknown as NodeParts;
  }

  #of(nodeId: NodeId) {
    const models = this.#told.get(nodeId);
    return models === undefined ? undefined : { nodeId, saidAtMs: 0, models };
  }
}

function commandFor(change: object = {}) {
  const facts = { model_id: 'acme/detector', name: 'detector', version: '1.0.0', sha256: 'ab'.repeat(32) };
  const manifest = { ...facts, model_type: 'detector', format: 'onnx', size_bytes: 1 };
  const head = { type: 'model_update', command_id: ORDER, manifest, timestamp: '2027-01-15T08:00:00Z' };
  return parseUpdateCommand({ ...head, target: { node_ids: [NEAR, AWAY] }, ...change });
}

async function follow(fleet: Fleet, command = commandFor(), wait = false): Promise<OrderEvent[]> {
  const events: OrderEvent[] = [];
  const signal = new AbortController().signal;
  for await (const event of followOrder(fleet.parts, command, { wait, signal })) events.push(event);
  return events;
}

describe('followOrder()', () => {
  it('ends when all that are online are well, and does not wait for who is away', async () => {
    const fleet = new Fleet();
    fleet.tell(NEAR, {});
    const events = await follow(fleet);
    expect(events.map(({ event }) => event)).toEqual(['ordered', 'status', 'completed']);
    expect(events[0]?.nodes?.map(({ node_name, online }) => [node_name, online])).toEqual([
      ['near', true],
      ['away', false],
    ]);
    expect(events.at(-1)).toMatchObject({ done: 1, failures: 0, waiting: 1 });
  });

  it('waits for who is away when told to', async () => {
    const fleet = new Fleet();
    fleet.tell(NEAR, {});
    const following = follow(fleet, commandFor(), true);
    await fleet.clock.advance(1000);
    fleet.tell(AWAY, { status: 'Ready' });
    expect((await following).at(-1)).toMatchObject({ event: 'completed', done: 2, waiting: 0 });
  });

  it('gives up nodes that say nothing for long, and counts time from the last word', async () => {
    const fleet = new Fleet();
    const following = follow(fleet);
    await fleet.clock.advance(NODE_LIMITS.orderQuietMs - 1);
    fleet.tell(NEAR, { status: 'Downloading', download_progress: 0.5 });
    await fleet.clock.advance(NODE_LIMITS.orderQuietMs - 1);
    fleet.tell(NEAR, { status: 'Downloading', download_progress: 0.5 });
    await fleet.clock.advance(2);
    const events = await following;
    expect(events.map(({ event }) => event)).toEqual(['ordered', 'status', 'failed']);
    expect(events.at(-1)).toMatchObject({ code: 'deployment_failed', done: 0, failures: 0, waiting: 2 });
  });

  it.each([
    ['a failed node', { status: 'Failed', error: 'needs 8 GB', error_code: 'memory' }],
    ['a node whose owner holds another version', { because: 'pin', version: '0.9.0' }],
  ] as const)('%s fails the order', async (_about, entry) => {
    const fleet = new Fleet();
    fleet.tell(NEAR, entry);
    const events = await follow(fleet);
    expect(events.at(-1)).toMatchObject({ event: 'failed', failures: 1, code: 'deployment_failed' });
    expect(events.at(-2)?.status?.error).toMatch(/^needs 8 GB$|^pinned there to 0\.9\.0/);
  });

  it.each([
    ['for another version', { action: 'deploy' }, [{ because: 'command:0b8f2a6e-1c1e-4f6b-8d2b-5a3f0e6d7c22' }]],
    ['that it goes', { action: 'remove' }, []],
  ])('ends where another’s later order counts: %s', async (_about, change, told) => {
    const fleet = new Fleet();
    const other = commandFor({ ...change, command_id: '0b8f2a6e-1c1e-4f6b-8d2b-5a3f0e6d7c22' });
    fleet.hold(commandFor(), SELF, 10);
    fleet.hold(other, AWAY, 11);
    fleet.tell(NEAR, ...told);
    const events = await follow(fleet);
    expect(events.at(-1)).toMatchObject({ event: 'failed', failures: 1 });
    expect(events.at(-2)?.status).toMatchObject({ error_code: 'overruled' });
    expect(events.at(-2)?.status?.error).toBe(`overruled by a later order of boss: to ${change.action} 1.0.0`);
  });

  it('is not ended by an earlier order, nor by a later removal of one who may not order it', async () => {
    const fleet = new Fleet();
    const other = commandFor({ action: 'remove', command_id: '0b8f2a6e-1c1e-4f6b-8d2b-5a3f0e6d7c22' });
    fleet.hold(commandFor(), SELF, 10);
    fleet.hold(other, AWAY, 9);
    fleet.hold(other, NEAR, 11);
    const following = follow(fleet);
    await fleet.clock.advance(10);
    fleet.tell(NEAR, {});
    expect((await following).at(-1)).toMatchObject({ event: 'completed', done: 1 });
  });

  it('takes nobody’s word on another order for this one', async () => {
    const fleet = new Fleet();
    fleet.tell(NEAR, { because: 'command:another' });
    const following = follow(fleet);
    await fleet.clock.advance(NODE_LIMITS.orderQuietMs + 1);
    expect((await following).at(-1)).toMatchObject({ event: 'failed', done: 0 });
  });

  it('is content with as many replicas as were ordered', async () => {
    const fleet = new Fleet();
    fleet.tell(NEAR, {});
    const command = commandFor({ target: { node_ids: [SELF, NEAR] }, replicas: 1 });
    expect((await follow(fleet, command)).at(-1)).toMatchObject({ event: 'completed', done: 1, waiting: 0 });
  });

  it('counts a model as gone when nothing is told of it any more', async () => {
    const fleet = new Fleet();
    fleet.tell(NEAR, {});
    const following = follow(fleet, commandFor({ action: 'remove' }));
    await fleet.clock.advance(10);
    fleet.tell(NEAR);
    expect((await following).at(-1)).toMatchObject({ event: 'completed', action: 'remove', failures: 0 });
  });

  it('is refused at once where it is for nobody', () => {
    const command = commandFor({ target: { regions: ['the moon'] } });
    const signal = new AbortController().signal;
    expect(() => followOrder(new Fleet().parts, command, { wait: false, signal })).toThrow(
      expect.objectContaining({ code: 'no_target' }),
    );
  });
});
