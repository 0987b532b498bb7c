import { describe, expect, test } from 'vitest';
import type { PlanInput } from '../types.ts';
import { explainDesired } from './explain-desired.ts';
import { indexFor } from './plan-desired.ts';
import { known, manifest, NOW_MS, node, nodeId, order, planInput, rule } from './samples.fixture.ts';

const edge = node('Edge');

function explained(changes: Partial<PlanInput>, modelId?: string) {
  const input = planInput(edge, changes);
  return explainDesired(indexFor(input), input, modelId);
}

function lines(plan: ReturnType<typeof explained>): string[] {
  return plan.models.flatMap(({ modelId, standings }) =>
    standings.map(({ version, because, standing, why }) => `${modelId}@${version} ${because.kind} ${standing}: ${why}`),
  );
}

describe('explainDesired()', () => {
  test('names the winner, and every other with the reason', () => {
    const later = order(manifest('m', '2.0.0'), { by: 'Zoe', atMs: 20 });
    const older = order(manifest('m', '1.0.0'), { by: 'Ann', atMs: 10 });
    const elsewhere = order(manifest('m', '3.0.0'), { atMs: 30, target_nodes: [nodeId('Other')] });
    const rules = [{ name: 'default', rules: [rule({ name: 'all' })], author: nodeId('Ann'), orderedAtMs: 5 }];
    const plan = explained({ orders: [older, elsewhere, later], rules, manifests: [known(manifest('m', '4.0.0'))] });
    const byZoe = `command ${later.command.command_id} of ${nodeId('Zoe')}`;
    expect(lines(plan)).toEqual([
      'm@3.0.0 command passes: it is for other nodes',
      'm@2.0.0 command wins: it should be here',
      `m@1.0.0 command loses: ${byZoe} is later`,
      `m@4.0.0 rule loses: ${byZoe} is stronger`,
    ]);
    expect(plan.models[0]?.desired).toMatchObject({ manifest: { version: '2.0.0' } });
  });

  test('says what is in the way of the winner, and whom nobody lets', () => {
    const needy = manifest('m', '2.0.0', { needs: { min_memory_mb: 99_999, min_cpu_cores: 99 } });
    const orders = [order(needy, { atMs: 1 }), order(manifest('m', '9.0.0'), { by: 'Mallory' })];
    const refusal = { code: 'not_permitted', message: 'Mallory may not' };
    const mayDeploy: PlanInput['access']['mayDeploy'] = (_manifest, author) =>
      author === nodeId('Mallory') ? refusal : undefined;
    expect(lines(explained({ orders, access: { mayDeploy, mayRead: () => undefined } }))).toEqual([
      'm@9.0.0 command refused: Mallory may not',
      'm@2.0.0 command wins: but not here: 4096 MB of memory, wanted 99999 MB; 4 cores, wanted 99',
    ]);
  });

  test('says why a rule is not for the node, which models it passes over, and which set was replaced', () => {
    const rules = [
      {
        name: 'default',
        rules: [
          rule({ name: 'gates', conditions: { role: 'gateway' } }),
          rule({ name: 'all', models: [{ name: '*' }, { name: 'nobody', version: '>=2' }] }),
        ],
        author: nodeId('Bob'),
        orderedAtMs: NOW_MS,
      },
      { name: 'default', rules: [rule({ name: 'old' })], author: nodeId('Ann'), orderedAtMs: NOW_MS - 1 },
    ];
    const manifests = [known(manifest('huge', '1.0.0', { needs: { gpu_required: true } })), known(manifest('small'))];
    const plan = explained({ rules, manifests });
    expect(lines(plan)).toEqual([
      'huge@1.0.0 rule passes: it does not fit: no GPU, and one is required',
      'nobody@undefined rule passes: no version of it is known in >=2',
      'small@1.0.0 rule wins: it should be here',
    ]);
    expect(plan.passed.map(({ because, why }) => `${because.id}: ${why}`)).toEqual([
      `default: the whole set is replaced by the later one of ${nodeId('Bob')}`,
      'gates: its role is edge, wanted gateway',
    ]);
  });

  test('of one model, nothing else', () => {
    const orders = [order(manifest('a')), order(manifest('b'))];
    expect(lines(explained({ orders }, 'b'))).toEqual(['b@1.0.0 command wins: it should be here']);
    expect(explained({ orders }, 'c').models).toEqual([]);
  });
});
