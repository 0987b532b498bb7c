import { expect, test } from 'vitest';
import type { ModelId } from '../../core/index.ts';
import type { PackageContents, PackageTier } from '../../protocol/index.ts';
import { factsOfBytes } from '../../testkit/package-manifests.ts';
import { compareSection } from './content-changes.ts';

function models(
  ...all: (readonly [id: string, version: string, content: string, tiers?: PackageTier[]])[]
): PackageContents {
  return {
    models: all.map(([id, version, content, tiers], index) => ({
      ...{ path: `models/${index}`, id: id as ModelId, version, size_mb: 0.1, tiers, ...factsOfBytes(content) },
    })),
  };
}

test('what has no counterpart was added or removed', () => {
  const { added, removed, updated } = compareSection('models', models(['a', '1', 'x']), models(['b', '1', 'x']));
  expect([added.map(({ id }) => id), removed.map(({ id }) => id), updated]).toEqual([['b'], ['a'], []]);
});

test('one version with other bytes was updated', () => {
  const { updated } = compareSection('models', models(['a', '1', 'x']), models(['a', '1', 'y']));
  expect(updated).toMatchObject([{ id: 'a', from: { version: '1' }, to: { version: '1' } }]);
});

test('the sizes of one model for several tiers are told apart', () => {
  const before = models(['a', '1', 'small', ['tier_1']], ['a', '2', 'large', ['tier_3']]);
  const after = models(
    ['a', '2', 'large', ['tier_3']],
    ['a', '3', 'new', ['tier_2']],
    ['a', '1.1', 'small2', ['tier_1']],
  );
  const { added, removed, updated, sameCount } = compareSection('models', before, after);
  expect(updated.map(({ from, to }) => [from.version, to.version])).toEqual([['1', '3']]);
  expect([added.map(({ version }) => version), removed, sameCount]).toEqual([['1.1'], [], 1]);
});

test('sections that are not there are empty', () => {
  expect(compareSection('tools', {}, {})).toEqual({ added: [], removed: [], updated: [], sameCount: 0 });
});
