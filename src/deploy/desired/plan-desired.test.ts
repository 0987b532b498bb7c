import { describe, expect, test } from 'vitest';
import type { NodeId } from '../../core/index.ts';
import type { ModelManifest, Rollout, RolloutPhase } from '../../protocol/index.ts';
import type { Desired, PlanInput, RolloutOrder } from '../types.ts';
import { planDesired } from './plan-desired.ts';
import { known, manifest, NOW_MS, node, nodeId, order, planInput, rule } from './samples.fixture.ts';

const edge = node('Edge');
const detector1 = manifest('detector', '1.0.0');
const detector2 = manifest('detector', '2.0.0');

function planned(changes: Partial<PlanInput>, of = edge): Desired[] {
  return planDesired(planInput(of, changes));
}

function summary(wishes: readonly Desired[]): string[] {
  return wishes.map(({ modelId, manifest: { version }, because, presence, refused }) => {
    const end = presence === 'absent' ? ' absent' : refused === undefined ? '' : ` !${refused.map(({ code }) => code)}`;
    return `${modelId}@${version} ${because.kind}${end}`;
  });
}

function rulesOf(rules: PlanInput['rules'][number]['rules'], changes: Partial<PlanInput['rules'][number]> = {}) {
  return { name: 'default', rules, author: nodeId('Admin'), orderedAtMs: NOW_MS - 5000, ...changes };
}

describe('planDesired(): what counts before what', () => {
  const organic = manifest('detector', '1.0.0', { deployment: { roles: ['edge'] } });
  const ruled = rulesOf([rule({ name: 'r', models: [{ name: 'detector', version: '2.0.0' }] })]);
  const both = [known(organic), known(detector2)];

  test('a manifest that names the role comes by itself', () => {
    expect(summary(planned({ manifests: both }))).toEqual(['detector@1.0.0 organic']);
    expect(planned({ manifests: both }, node('Other', { role: 'gateway' }))).toEqual([]);
  });

  test('a rule counts before that', () => {
    expect(summary(planned({ manifests: both, rules: [ruled] }))).toEqual(['detector@2.0.0 rule']);
  });

  test('an order counts before a rule, however old it is', () => {
    const orders = [order(manifest('detector', '0.9.0'), { atMs: NOW_MS - 9_000_000 })];
    expect(summary(planned({ manifests: both, rules: [ruled], orders }))).toEqual(['detector@0.9.0 command']);
  });

  test('a pin counts before everything, and asks for no fit', () => {
    const pinned = manifest('detector', '0.8.0', { needs: { min_memory_mb: 999_999 } });
    const pins = [{ manifest: pinned, pinnedAtMs: 1 }];
    expect(summary(planned({ pins, rules: [ruled], orders: [order(detector2)] }))).toEqual(['detector@0.8.0 pin']);
  });

  test('the later of two orders counts, in whatever order they came', () => {
    const older = order(detector2, { by: 'Zoe', atMs: NOW_MS - 10 });
    const later = order(detector1, { by: 'Ann', atMs: NOW_MS - 9 });
    for (const orders of [
      [older, later],
      [later, older],
    ])
      expect(summary(planned({ orders }))).toEqual(['detector@1.0.0 command']);
  });

  test('of orders of one millisecond, that of the larger author', () => {
    const orders = [order(detector1, { by: 'Ann', atMs: 5 }), order(detector2, { by: 'Zoe', atMs: 5 })];
    expect(summary(planned({ orders }))).toEqual(['detector@2.0.0 command']);
    expect(summary(planned({ orders: orders.toReversed() }))).toEqual(['detector@2.0.0 command']);
  });

  test('a later removal takes the model away, and rules do not bring it back', () => {
    const orders = [order(detector1, { atMs: 5 }), order(detector1, { atMs: 6, action: 'remove' })];
    expect(summary(planned({ orders, rules: [ruled], manifests: both }))).toEqual(['detector@1.0.0 command absent']);
  });

  test('the more urgent first, then by name', () => {
    const orders = [order(manifest('b'), { priority: 5 }), order(manifest('c')), order(manifest('a'), { priority: 5 })];
    expect(planned({ orders }).map(({ modelId }) => modelId)).toEqual(['c', 'a', 'b']);
  });
});

describe('planDesired(): whom it is for', () => {
  const gateway = node('Gate', { role: 'gateway', region: 'eu', labels: { hall: '7' } });
  const targets = { node_ids: [], roles: [], regions: [], labels: {} };

  test.each([
    ['a node by its id', { target_nodes: [nodeId('Gate')] }, true],
    ['a node by its id in the target', { target: { ...targets, node_ids: [nodeId('Gate')] } }, true],
    ['another node', { target_nodes: [nodeId('Edge')] }, false],
    ['its role', { target: { ...targets, roles: ['gateway', 'edge'] } }, true],
    ['another role', { target: { ...targets, roles: ['edge'] } }, false],
    ['its region and label', { target: { ...targets, regions: ['eu'], labels: { hall: '7' } } }, true],
    ['its region and another label', { target: { ...targets, regions: ['eu'], labels: { hall: '8' } } }, false],
    ['a label that every object seems to have', { target: { ...targets, labels: { constructor: 'x' } } }, false],
    ['its id, and another role', { target_nodes: [nodeId('Gate')], target: { ...targets, roles: ['edge'] } }, false],
  ])('%s', (_name, changes, isMeant) => {
    expect(planned({ orders: [order(detector1, changes)] }, gateway)).toHaveLength(isMeant ? 1 : 0);
  });
});

describe('planDesired(): who may, and what fits', () => {
  const refusal = { code: 'not_permitted', message: 'edge may not deploy it' };
  const access: PlanInput['access'] = {
    mayDeploy: (_manifest, author) => (author === nodeId('Mallory') ? refusal : undefined),
    mayRead: (_manifest, role) => (role === 'guest' ? { code: 'not_permitted', message: 'guests may not' } : undefined),
  };

  test('an order of somebody who may not suppresses nobody else’s', () => {
    const orders = [order(detector1, { atMs: 1 }), order(detector2, { by: 'Mallory', atMs: 2 })];
    expect(summary(planned({ orders, access }))).toEqual(['detector@1.0.0 command']);
    const rules = [rulesOf([rule({ name: 'r' })])];
    const forged = [order(detector2, { by: 'Mallory', action: 'remove' })];
    expect(summary(planned({ orders: forged, access, rules, manifests: [known(detector1)] }))).toEqual([
      'detector@1.0.0 rule',
    ]);
  });

  test('where it is all there is, it is told of with its refusal', () => {
    const orders = [order(detector2, { by: 'Mallory' })];
    expect(planned({ orders, access })).toMatchObject([{ modelId: 'detector', refused: [refusal] }]);
  });

  test('a node of a role that may not fetch the model says so', () => {
    const wishes = planned({ orders: [order(detector1)], access }, node('Guest', { role: 'guest' }));
    expect(summary(wishes)).toEqual(['detector@1.0.0 command !not_permitted']);
  });

  test('every reason of a misfit is there, and an older order does not take its place', () => {
    const large = manifest('detector', '3.0.0', { needs: { min_memory_mb: 99_999, min_cpu_cores: 64 } });
    const orders = [order(large), order(detector1, { atMs: 1 })];
    expect(summary(planned({ orders }))).toEqual(['detector@3.0.0 command !memory,cores']);
  });

  test('a content that is here needs no room', () => {
    const large = manifest('large', '1.0.0', { size_bytes: 10 ** 10 });
    const full = { ...edge, hardware: { ...edge.hardware, disk_free_mb: 100 } };
    expect(summary(planned({ orders: [order(large)] }, full))).toEqual(['large@1.0.0 command !disk']);
    expect(summary(planned({ orders: [order(large)], has: () => true }, full))).toEqual(['large@1.0.0 command']);
  });

  test('a node takes as many models as it says, the urgent ones first', () => {
    const few = node('Few', { constraints: { max_models: 2 } });
    const orders = ['a', 'b', 'c'].map((name) => order(manifest(name), { priority: name === 'c' ? 1 : 3 }));
    expect(summary(planned({ orders }, few))).toEqual([
      'c@1.0.0 command',
      'a@1.0.0 command',
      'b@1.0.0 command !model_count',
    ]);
  });
});

describe('planDesired(): rules', () => {
  const manifests = [
    ...['1.9.0', '1.10.0', '2.0.0'].map((version) => known(manifest('detector', version))),
    known(manifest('tiny')),
    known(manifest('huge', '1.0.0', { needs: { min_memory_mb: 99_999 } })),
  ];

  test.each([
    ['latest', '2.0.0'],
    ['*', '2.0.0'],
    ['<2', '1.10.0'],
    ['1.9.0', '1.9.0'],
    ['>=1.0.0', '2.0.0'],
  ])('%s is %s', (version, wanted) => {
    const rules = [rulesOf([rule({ name: 'r', models: [{ name: 'detector', version }] })])];
    expect(summary(planned({ manifests, rules }))).toEqual([`detector@${wanted} rule`]);
  });

  test('a range that nothing is in wants nothing', () => {
    const rules = [rulesOf([rule({ name: 'r', models: [{ name: 'detector', version: '>=9' }, { name: 'nobody' }] })])];
    expect(planned({ manifests, rules })).toEqual([]);
  });

  test('* is all that fits; a model by its name that does not fit is told of', () => {
    const all = [rulesOf([rule({ name: 'r' })])];
    expect(summary(planned({ manifests, rules: all }))).toEqual(['detector@2.0.0 rule', 'tiny@1.0.0 rule']);
    const named = [rulesOf([rule({ name: 'r', models: [{ name: 'huge' }] })])];
    expect(summary(planned({ manifests, rules: named }))).toEqual(['huge@1.0.0 rule !memory']);
  });

  test('a deprecated version is passed over', () => {
    const rules = [rulesOf([rule({ name: 'r', models: [{ name: 'detector' }] })])];
    const deprecated = [{ model_id: manifest('detector').model_id, version: '2.0.0' }];
    expect(summary(planned({ manifests, rules, deprecated }))).toEqual(['detector@1.10.0 rule']);
  });

  test('the newest version that fits, where the newest does not', () => {
    const demanding = known(manifest('detector', '3.0.0', { needs: { gpu_required: true } }));
    const rules = [rulesOf([rule({ name: 'r', models: [{ name: 'detector' }] })])];
    expect(summary(planned({ manifests: [...manifests, demanding], rules }))).toEqual(['detector@2.0.0 rule']);
  });

  test('the more urgent of two rules; the owner’s own before any of the mesh', () => {
    const weak = rule({ name: 'weak', models: [{ name: 'detector', version: '1.9.0' }], priority: 4 });
    const strong = rule({ name: 'strong', models: [{ name: 'detector', version: '<2' }], priority: 2 });
    expect(summary(planned({ manifests, rules: [rulesOf([weak, strong])] }))).toEqual(['detector@1.10.0 rule']);
    const own = rulesOf([weak], { author: undefined, orderedAtMs: 1 });
    expect(summary(planned({ manifests, rules: [rulesOf([strong]), own] }))).toEqual(['detector@1.9.0 rule']);
  });

  test('two admins who disagree on a set: the later one’s counts as a whole', () => {
    const ann = rulesOf([rule({ name: 'ann', models: [{ name: 'tiny' }] })], {
      author: nodeId('Ann'),
      orderedAtMs: 10,
    });
    const bob = rulesOf([rule({ name: 'bob', models: [{ name: 'detector' }] })], {
      author: nodeId('Bob'),
      orderedAtMs: 11,
    });
    for (const rules of [
      [ann, bob],
      [bob, ann],
    ])
      expect(summary(planned({ manifests, rules }))).toEqual(['detector@2.0.0 rule']);
  });

  test('model_published means what was published since the rule', () => {
    const news = known(manifest('news'), NOW_MS - 100);
    const rules = [rulesOf([rule({ name: 'r', trigger: 'model_published' })], { orderedAtMs: NOW_MS - 500 })];
    expect(summary(planned({ manifests: [...manifests, news], rules }))).toEqual(['news@1.0.0 rule']);
  });

  test('capability_needed means what a node is interested in', () => {
    const ears = known(manifest('ears', '1.0.0', { capabilities: ['audio'] }));
    const rules = [rulesOf([rule({ name: 'r', trigger: 'capability_needed' })])];
    const listener = node('Listener', { interests: ['audio'] });
    expect(summary(planned({ manifests: [...manifests, ears], rules }, listener))).toEqual(['ears@1.0.0 rule']);
    expect(planned({ manifests: [...manifests, ears], rules })).toEqual([]);
  });

  test.each([
    [21 * 60 + 59, 0],
    [22 * 60, 1],
    [0, 1],
    [6 * 60 - 1, 1],
    [6 * 60, 0],
  ])('a schedule over midnight, at minute %i', (minuteOfDay, count) => {
    const nightly = { trigger: 'schedule', schedule: '22:00-06:00', models: [{ name: 'tiny' }] };
    const rules = [rulesOf([rule({ name: 'night', ...nightly })])];
    expect(planned({ manifests, rules, minuteOfDay })).toHaveLength(count);
  });
});

describe('planDesired(): rollouts', () => {
  function rollout(phase: RolloutPhase, waves: readonly string[][], previous = true): RolloutOrder {
    const made = {
      type: 'rollout',
      spec: {
        ...{ type: 'rollout_spec', rollout_id: '00000000-0000-4000-8000-0000000000aa', ordered_by: nodeId('Admin') },
        ...{ ordered_at: NOW_MS - 100, manifest: detector2, ...(previous ? { previous: detector1 } : {}) },
        target: { node_ids: [], roles: [], regions: [], labels: {} },
        ...{ waves: ['1', '100%'], max_failures: 0, soak_ms: 0, node_timeout_ms: 1000, probe: true, priority: 3 },
      },
      state: { phase, wave: waves.length - 1, waves: waves.map((wave) => wave.map(nodeId)), results: [], before: [] },
    } as unknown as Rollout;
    return { rollout: made, issuedAtMs: NOW_MS - 50 };
  }
  const rules = [rulesOf([rule({ name: 'r', models: [{ name: 'detector' }] })])];
  const manifests = [known(detector1), known(detector2)];

  test('a node whose turn has come has the new version; another keeps to what weaker sources say, without it', () => {
    const rollouts = [rollout('running', [['Edge']])];
    expect(summary(planned({ rollouts, rules, manifests }))).toEqual(['detector@2.0.0 rollout']);
    expect(summary(planned({ rollouts, rules, manifests }, node('Other')))).toEqual(['detector@1.0.0 rule']);
    const older = [order(detector2, { atMs: 1 })];
    expect(summary(planned({ rollouts, orders: older }, node('Other')))).toEqual([]);
  });

  test('who has the new version by an older order keeps it while the rollout runs, and not when it goes back', () => {
    const before = order(manifest('detector', '1.0.0'), { atMs: NOW_MS - 900 });
    const orders = [before, order(manifest('detector', '2.0.0'), { atMs: NOW_MS - 800 })];
    const said = (phase: RolloutPhase, has: boolean) => {
      const rollouts = [rollout(phase, [['Edge']])];
      return summary(planned({ rollouts, orders, has: () => has }, node('Other')));
    };
    expect([said('running', true), said('paused', true)]).toEqual(Array(2).fill(['detector@2.0.0 command']));
    expect([said('running', false), said('rolled_back', true)]).toEqual(Array(2).fill(['detector@1.0.0 command']));
  });

  test('a later order counts, however often the rollout speaks', () => {
    const orders = [order(detector2, { atMs: NOW_MS - 60, action: 'remove' })];
    expect(summary(planned({ rollouts: [rollout('running', [['Edge']])], orders }))).toEqual([
      'detector@2.0.0 command absent',
    ]);
  });

  test('a spec that claims to be of the future is as old as its record', () => {
    const claimed = rollout('running', [['Edge']]);
    const ahead = { ...claimed.rollout, spec: { ...claimed.rollout.spec, ordered_at: NOW_MS * 2 } };
    const orders = [order(detector1, { atMs: NOW_MS - 40 })];
    const rollouts = [{ ...claimed, rollout: ahead }];
    expect(summary(planned({ rollouts, orders }))).toEqual(['detector@1.0.0 command']);
  });

  test('going back to what nobody vouches for brings nothing new: only bytes that are there, or what another signed', () => {
    const signer = '12D3KooWJrGCDQGKFCvYqUJdhpaXCwD9BPfBFLgR8xtqVuSy1Q8j';
    const signature = { signer, algorithm: 'ed25519' as const, signature: '', signed_at: '' };
    const refusal = { code: 'bad_signature', message: 'nobody signed it' };
    const mayDeploy = (ofModel: ModelManifest, author: NodeId) =>
      ofModel.version === '2.0.0' || author === signer ? undefined : refusal;
    const access = { mayDeploy, mayRead: () => undefined };
    const rollouts = [rollout('rolling_back', [['Edge']])];
    expect(planned({ rollouts, access })).toEqual([
      expect.objectContaining({ presence: 'present', refused: [refusal] }),
    ]);
    const had = planned({ rollouts, access, has: () => true });
    expect([summary(had), had[0]?.refused]).toEqual([['detector@1.0.0 rollout'], undefined]);
    const signed = structuredClone(rollouts) as RolloutOrder[];
    Object.assign(signed[0]?.rollout.spec.previous ?? {}, { signature });
    expect(planned({ rollouts: signed, access })[0]?.refused).toBeUndefined();
  });

  test('does not go on where nobody vouches for what it would go back to', () => {
    const mayDeploy = ({ version }: ModelManifest) =>
      version === '2.0.0' ? undefined : { code: 'bad_signature', message: 'nobody signed it' };
    const access = { mayDeploy, mayRead: () => undefined };
    expect(planned({ rollouts: [rollout('running', [['Edge']])], access })).toEqual([]);
  });

  test('going back is to the previous version, or away', () => {
    expect(summary(planned({ rollouts: [rollout('rolling_back', [['Edge']])] }))).toEqual(['detector@1.0.0 rollout']);
    expect(summary(planned({ rollouts: [rollout('rolled_back', [['Edge']], false)] }))).toEqual([
      'detector@2.0.0 rollout absent',
    ]);
  });
});
