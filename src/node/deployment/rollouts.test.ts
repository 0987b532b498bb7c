import { beforeEach, expect, test } from 'vitest';
import { type ModelStatusEntry, SIGNING_CONTEXTS } from '../../protocol/index.ts';
import { NEW, OLD } from '../../testkit/rollout-sim/make-world.ts';
import { signObject } from '../../trust/index.ts';
import { type BenchNode, RolloutBench } from './rollout.fixture.ts';

let bench: RolloutBench;
let admin: BenchNode;
let deputy: BenchNode;
let edges: BenchNode[];

beforeEach(() => {
  bench = new RolloutBench();
  admin = bench.node('admin', 'admin');
  deputy = bench.node('deputy', 'publisher');
  edges = ['edge-1', 'edge-2', 'edge-3'].map((name) => bench.node(name, 'edge'));
});

const FORM = {
  manifest: NEW,
  target: { node_ids: [], roles: ['edge'], regions: [], labels: {} },
  waves: ['1', '100%'],
  max_failures: 0,
  soak_ms: 10_000,
  node_timeout_ms: 60_000,
  probe: true,
  priority: 3,
};
const LEASE_MS = 15_000;

function statusOf(manifest: typeof NEW, status: ModelStatusEntry['status'], more: Partial<ModelStatusEntry> = {}) {
  const { model_id, version, sha256 } = manifest;
  return { model_id, version, sha256, status, download_progress: 1, updated_at: '2030-01-01T00:00:00.000Z', ...more };
}

const stateAt = (node: BenchNode, id: string) => node.book.get(id)?.rollout.state;

async function order(by = admin): Promise<string> {
  const { rollout } = by.desk.order(FORM);
  await bench.clock.advance(3_000);
  return rollout.spec.rollout_id;
}

/** Those that are in a wave say that they are well. */
async function answerWell(id: string, asked: BenchNode): Promise<void> {
  for (const nodeId of stateAt(asked, id)?.waves.flat() ?? []) {
    const edge = edges.find((one) => one.id === nodeId);
    if (edge !== undefined) bench.say(edge, statusOf(NEW, 'Loaded', { because: `rollout:${id}` }));
  }
  await bench.clock.advance(3_000);
}

test('a rollout is ordered, heard of by all, waits for its canary and its soak, and ends', async () => {
  for (const edge of edges) bench.say(edge, statusOf(OLD, 'Loaded'));
  const id = await order();
  expect(edges[2]?.book.get(id)?.rollout.spec.previous?.version).toBe('1.0.0');
  expect(stateAt(deputy, id)?.waves.map((wave) => wave.length)).toEqual([1]);
  await answerWell(id, admin);
  expect(stateAt(deputy, id)?.waves).toHaveLength(1);
  await bench.clock.advance(FORM.soak_ms);
  expect(stateAt(deputy, id)?.waves.map((wave) => wave.length)).toEqual([1, 2]);
  await answerWell(id, admin);
  await bench.clock.advance(FORM.soak_ms);
  expect(stateAt(edges[0] as BenchNode, id)?.phase).toBe('done');
});

test('a coordinator that dies is followed by the one that may, with the same waves, when its lease is out and not before', async () => {
  const id = await order();
  const before = stateAt(deputy, id);
  admin.die();
  await bench.clock.advance(LEASE_MS - 4_000);
  expect(stateAt(deputy, id)?.coordinator).toBe(admin.id);
  await bench.clock.advance(10_000);
  expect(stateAt(edges[1] as BenchNode, id)).toMatchObject({ coordinator: deputy.id, term: 2, waves: before?.waves });
  await answerWell(id, deputy);
  await bench.clock.advance(FORM.soak_ms);
  expect(stateAt(deputy, id)?.waves.map((wave) => wave.length)).toEqual([1, 2]);
});

test('a coordinator that comes back after another has finished undoes nothing', async () => {
  const id = await order();
  admin.die();
  await bench.clock.advance(LEASE_MS * 2);
  await answerWell(id, deputy);
  await bench.clock.advance(FORM.soak_ms);
  await answerWell(id, deputy);
  await bench.clock.advance(FORM.soak_ms + FORM.node_timeout_ms);
  expect(stateAt(deputy, id)?.phase).toBe('done');
  admin.revive();
  await bench.clock.advance(LEASE_MS / 2);
  expect(stateAt(admin, id)?.phase).toBe('running');
  admin.catchUp(deputy);
  await bench.clock.advance(LEASE_MS * 3);
  expect([admin, deputy, ...edges].map((node) => stateAt(node, id)?.phase)).toEqual(Array(5).fill('done'));
});

test('a coordinator that was away, and nobody in its place, takes nobody for silent', async () => {
  const id = await order();
  admin.die();
  deputy.die();
  await bench.clock.advance(FORM.node_timeout_ms * 10);
  admin.revive();
  await bench.clock.advance(LEASE_MS * 2);
  expect(stateAt(admin, id)).toMatchObject({ phase: 'running', coordinator: admin.id, term: 1 });
  await answerWell(id, admin);
  await bench.clock.advance(FORM.soak_ms);
  expect(stateAt(admin, id)?.waves.map((wave) => wave.length)).toEqual([1, 2]);
  await bench.clock.advance(FORM.node_timeout_ms * 2);
  expect(stateAt(admin, id)?.phase).toBe('rolled_back');
});

test('a coordinator that is cut off takes nobody for silent, and listens first when it is back', async () => {
  const id = await order();
  deputy.die();
  admin.cutOff();
  await bench.clock.advance(FORM.node_timeout_ms * 10);
  expect(stateAt(admin, id)?.phase).toBe('running');
  admin.reconnect();
  await bench.clock.advance(LEASE_MS * 2);
  expect(stateAt(admin, id)).toMatchObject({ phase: 'running', coordinator: admin.id, term: 1 });
  await answerWell(id, admin);
  await bench.clock.advance(FORM.soak_ms);
  expect(stateAt(admin, id)?.waves.map((wave) => wave.length)).toEqual([1, 2]);
});

test('a coordinator that is heard in time is let be, though nothing changes', async () => {
  const id = await order();
  await bench.clock.advance(LEASE_MS * 3);
  expect(stateAt(deputy, id)).toMatchObject({ coordinator: admin.id, term: 1 });
});

test('pause at another node takes the rollout over; the one before stops', async () => {
  const id = await order();
  const known = deputy.book.get(id);
  if (known !== undefined) deputy.coordinator.change(known, 'pause', 'pause by deputy');
  await answerWell(id, admin);
  await bench.clock.advance(FORM.soak_ms * 3);
  expect(stateAt(admin, id)).toMatchObject({
    phase: 'paused',
    coordinator: deputy.id,
    term: 2,
    why: 'pause by deputy',
  });
  expect(stateAt(admin, id)?.waves).toHaveLength(1);
});

test('an orderer that is put out stops its rollout, wherever it is coordinated; it can only be aborted', async () => {
  const id = await order(deputy);
  await answerWell(id, deputy);
  bench.revoke(deputy);
  deputy.die();
  await bench.clock.advance(LEASE_MS * 4);
  const known = admin.book.get(id);
  expect([known?.flaw, known?.rollout.state.phase]).toEqual(['orderer_revoked', 'paused']);
  expect(known?.rollout.state.waves).toHaveLength(1);
  if (known === undefined) return;
  expect(() => admin.coordinator.change(known, 'resume', '')).toThrow(
    expect.objectContaining({ code: 'rollout_refused' }),
  );
  admin.coordinator.change(known, 'abort', 'abort by admin');
  expect(stateAt(admin, id)?.phase).toBe('rolling_back');
});

test('a rollout that is heard before the policy that allows it is heeded when that comes', async () => {
  const late = edges[0] as BenchNode;
  late.policy.current = { type: 'model_access', models: { '*': { deploy: ['gateway'] } } };
  late.policy.changes.emit();
  const id = await order();
  expect([late.book.get(id), stateAt(deputy, id)?.phase]).toEqual([undefined, 'running']);
  late.policy.current = undefined;
  late.policy.changes.emit();
  expect([stateAt(late, id)?.phase, late.book.get(id)?.flaw]).toEqual(['running', undefined]);
});

test('records that lie are not heeded: a spec that was changed, another’s state, one who may not deploy', async () => {
  const id = await order();
  const known = admin.book.get(id);
  const spec = known?.signedSpec ?? {};
  const state = { ...known?.rollout.state, phase: 'done', term: 50 };
  const lies: [BenchNode, string, object][] = [
    [deputy, id, { spec: { ...spec, waves: ['100%'] }, state: { ...state, coordinator: deputy.id } }],
    [deputy, id, { spec, state }],
    [deputy, 'another-key', { spec, state: { ...state, coordinator: deputy.id } }],
    [deputy, id, { spec: { ...spec, signature: undefined }, state: { ...state, coordinator: deputy.id } }],
  ];
  for (const [seq, [author, key, payload]] of lies.entries()) {
    const record = author.forge(
      key,
      JSON.parse(JSON.stringify({ type: 'rollout', ...payload })),
      9_000_000_000_000 + seq,
    );
    expect(edges[0]?.log.accept(record, undefined)).toMatchObject({ accepted: true });
    expect(stateAt(edges[0] as BenchNode, id)).toMatchObject({ phase: 'running', term: 1 });
  }
  const [edge] = edges;
  const fromEdge = edge?.forge(id, { type: 'rollout', spec, state: { ...state, coordinator: edge.id } });
  expect(admin.log.accept(fromEdge, undefined)).toEqual({ accepted: false, rejection: 'not_allowed' });
});

test('an order that takes the id of another, and claims to be the earlier, is not heeded', async () => {
  const id = await order();
  const { signature: _of, ...spec } = admin.book.get(id)?.signedSpec ?? {};
  const own = { ...spec, ordered_by: deputy.id, ordered_at: 0 };
  const signer = { id: deputy.id, privateKey: deputy.identity.nodeKey };
  const state = { ...admin.book.get(id)?.rollout.state, coordinator: deputy.id };
  const payload = { type: 'rollout', spec: signObject(SIGNING_CONTEXTS.rollout, own, signer, 0), state };
  const forged = deputy.forge(id, JSON.parse(JSON.stringify(payload)));
  expect(edges[0]?.log.accept(forged, undefined)).toMatchObject({ accepted: true });
  expect(edges[0]?.book.get(id)?.rollout.spec.ordered_by).toBe(admin.id);
});

test('a policy that takes the right to deploy away stops the rollout of whoever lost it', async () => {
  const id = await order(deputy);
  for (const node of bench.nodes) {
    node.policy.current = { type: 'model_access', models: { '*': { deploy: ['admin'] } } };
    node.policy.changes.emit();
  }
  expect(edges[0]?.book.get(id)?.flaw).toBe('deploy_not_permitted');
});

test('an order that cannot be is refused, and says why', async () => {
  const refuses = (form: object, by = admin) => {
    try {
      by.desk.order({ ...FORM, ...form });
      return 'taken';
    } catch (thrown) {
      return `${(thrown as { code: string }).code}: ${(thrown as Error).message}`;
    }
  };
  expect(refuses({ waves: ['50%'] })).toContain('rollout_refused: Rolling out acme/detector: waves 50%');
  expect(refuses({ target: { ...FORM.target, regions: ['mars'] } })).toContain('it is for no node');
  expect(refuses({ manifest: { ...NEW, needs: { ...NEW.needs, min_memory_mb: 9000 } } })).toContain(
    'it is for no node',
  );
  expect(refuses({}, edges[0])).toContain('order_refused');
  expect(refuses({ target: { ...FORM.target, node_ids: Array.from({ length: 2000 }, () => admin.id) } })).toContain(
    'no node',
  );
  expect(bench.audit).toEqual([]);
  const id = await order();
  expect(bench.audit).toEqual([expect.objectContaining({ what: 'rollout', order: id, version: '2.0.0' })]);
  expect(refuses({})).toContain(`rollout ${id.slice(0, 8)} of it is not over`);
});

test('two that take over at once are one when they hear of each other', async () => {
  const other = bench.node('other', 'gateway');
  const id = await order();
  admin.die();
  for (const node of [deputy, other]) {
    const known = node.book.get(id);
    if (known !== undefined) node.coordinator.publish(known, { ...known.rollout.state, term: 2, coordinator: node.id });
  }
  await bench.clock.advance(LEASE_MS * 2);
  const states = [deputy, other, ...edges].map((node) => stateAt(node, id));
  expect(new Set(states.map((state) => JSON.stringify(state))).size).toBe(1);
  expect(states[0]?.term).toBe(2);
});
