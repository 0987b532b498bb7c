import { expect, test } from 'vitest';
import { packageDigest } from '../../protocol/index.ts';
import { factsOfBytes, samplePackage } from '../../testkit/package-manifests.ts';
import { completeTiers, filesOfPlanned, missingOf, planMembers } from './plan-members.ts';

const { manifest } = samplePackage();
const SMALL = ['config/mission.yaml', 'models/tiny-defects-1.3.onnx', 'agents/vision_agent-1.2.yaml'];
const KNOWLEDGE = 'knowledge/defects.chunks.jsonl';

function pathsOf(tier: 'tier_1' | 'tier_2' | 'tier_3'): string[] {
  return planMembers(manifest, tier).map(({ path }) => path);
}

test('a tier takes what is in it, and what is in all', () => {
  expect(pathsOf('tier_1')).toEqual([...SMALL, KNOWLEDGE]);
  expect(pathsOf('tier_2')).toEqual([...SMALL, 'tools/core_tools.yaml', KNOWLEDGE]);
  expect(pathsOf('tier_3')).toHaveLength(7);
  expect(planMembers(manifest, undefined)).toEqual(planMembers(manifest, 'tier_3'));
});

test('the bytes of a tier are those that the manifest says', () => {
  for (const tier of manifest.package.tiers) {
    const sum = planMembers(manifest, tier).reduce((total, { sizeBytes }) => total + sizeBytes, 0);
    expect(sum).toBe(manifest.package.bytes_by_tier[tier]);
  }
});

test('a difference package says how each member comes', () => {
  const step = {
    ...{ base_hash: factsOfBytes('a').hash, target_hash: factsOfBytes('b').hash, delta_path: 'models/a.delta' },
    ...{ delta_size_bytes: 1, delta_hash: factsOfBytes('c').hash },
  };
  const delta = {
    delta: { target_version: '1.3', target_manifest: `sha256:${packageDigest(manifest)}`, changes: {} },
    members: [
      { path: 'config/mission.yaml', how: 'held' as const },
      { path: 'models/tiny-defects-1.3.onnx', how: 'difference' as const, differences: [step] },
    ],
  };
  const planned = planMembers(manifest, 'tier_1', delta);
  expect(planned.map((member) => [member.how, filesOfPlanned(member)])).toEqual([
    ['held', []],
    ['difference', ['models/a.delta']],
    ['full', ['agents/vision_agent-1.2.yaml']],
    ['full', [KNOWLEDGE]],
  ]);
  const here = new Set(['models/a.delta', 'agents/vision_agent-1.2.yaml', KNOWLEDGE]);
  expect(completeTiers(manifest, delta, (path) => here.has(path))).toEqual(['tier_1']);
  expect(missingOf(manifest, 'tier_2', delta, (path) => here.has(path))).toEqual(['tools/core_tools.yaml']);
});
