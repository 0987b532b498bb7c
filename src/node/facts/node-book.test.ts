import { afterEach, beforeEach, expect, test } from 'vitest';
import { Emitter, type NodeId } from '../../core/index.ts';
import type { NodeFacts } from '../../deploy/index.ts';
import { parseNodeCapabilities } from '../../protocol/index.ts';
import type { CatalogEvent } from '../../registry/index.ts';
import { VirtualClock } from '../../testkit/virtual-clock.ts';
import { FakeMesh, memberId } from './fake-mesh.fixture.ts';
import { NodeBook } from './node-book.ts';

const [A, B] = [memberId('A'), memberId('B')];
const GRACE_MS = 30_000;

class FakeCatalog {
  readonly events = new Emitter<CatalogEvent>();
  readonly online = new Set<NodeId>();
  getNodes = () => [...this.online].map((nodeId) => ({ nodeId })) as never;

  hear(nodeId: NodeId): void {
    this.online.add(nodeId);
    this.events.emit({ type: 'endpoints', nodeId });
  }

  lose(nodeId: NodeId): void {
    this.online.delete(nodeId);
    this.events.emit({ type: 'expired', nodeId });
  }
}

let clock: VirtualClock;
let mesh: FakeMesh;
let catalog: FakeCatalog;
let book: NodeBook;
let changes: number;

beforeEach(() => {
  clock = new VirtualClock();
  mesh = new FakeMesh(clock);
  catalog = new FakeCatalog();
  mesh.roles.set(A, 'edge').set(B, 'gateway');
  const self = facts('self', mesh.nodeId);
  const own = { current: () => self, changes: new Emitter<void>() };
  book = new NodeBook({ mesh, own, catalog, clock });
  changes = 0;
  book.changes.on(() => {
    changes += 1;
  });
});

afterEach(() => book[Symbol.dispose]());

function facts(name: string, nodeId: NodeId, role = 'admin'): NodeFacts {
  return parseNodeCapabilities({
    ...{ type: 'node_capabilities', node_id: nodeId, node_name: name, role },
    hardware: { memory_mb: 1024, cpu_cores: 1, architecture: 'aarch64' },
  });
}

function told(): string[] {
  return book.nodes().map(({ facts: { node_name, role }, online }) => `${node_name} ${role} ${online ? 'on' : 'off'}`);
}

test('knows itself, and others as they say, with the id and role of their certificates', () => {
  mesh.accept(A, 'capability', { ...facts('liar', B, 'admin') });
  expect(told()).toEqual(['self admin on', 'liar edge on']);
  expect(book.get(A)).toMatchObject({ node_id: A, role: 'edge' });
  expect(book.get(B)).toBeUndefined();
  expect(book.self()).toBe(book.get(mesh.nodeId));
});

test('a node without a certificate, or with a payload that is none, counts nothing', () => {
  mesh.accept(memberId('C'), 'capability', { ...facts('stranger', memberId('C')) });
  mesh.accept(B, 'capability', { type: 'node_capabilities', hardware: 'rubbish' });
  expect(told()).toEqual(['self admin on']);
});

test('misses nobody until it had time to hear, then all that are not heard', async () => {
  mesh.accept(A, 'capability', { ...facts('a', A) });
  mesh.accept(B, 'capability', { ...facts('b', B) });
  catalog.hear(A);
  expect(told()).toEqual(['self admin on', 'a edge on', 'b gateway on']);
  await clock.advance(GRACE_MS);
  expect(told()).toEqual(['self admin on', 'a edge on', 'b gateway off']);
  catalog.hear(B);
  catalog.lose(A);
  expect(told()).toEqual(['self admin on', 'a edge off', 'b gateway on']);
});

test('tells of every change, and of nothing else', () => {
  const record = mesh.accept(A, 'capability', { ...facts('a', A) });
  expect(changes).toBe(1);
  catalog.hear(A);
  expect(changes).toBe(2);
  catalog.events.emit({ type: 'changed', nodeId: A, added: 1, removed: 0 });
  mesh.accept(A, 'heartbeat', {});
  expect(changes).toBe(2);
  expect(book.nodes()).toBe(book.nodes());
  mesh.expire(record);
  expect(changes).toBe(3);
  expect(told()).toEqual(['self admin on']);
});

test('a node that was put out is gone, and one with a new certificate has its new role', () => {
  mesh.accept(A, 'capability', { ...facts('a', A) });
  mesh.roles.set(A, 'gateway');
  mesh.accept(A, 'certificate', {}, { key: A });
  expect(told()).toEqual(['self admin on', 'a gateway on']);
  mesh.revoke(A);
  expect(told()).toEqual(['self admin on']);
  expect(book.get(A)).toBeUndefined();
});

test('another mesh has other nodes', () => {
  const record = mesh.accept(A, 'capability', { ...facts('a', A) });
  mesh.expire(record);
  mesh.membershipEvents.emit({ type: 'put_out', reason: '' });
  expect(told()).toEqual(['self admin on']);
});
