import { expect, test } from 'vitest';
import { parseSha256 } from '../../core/index.ts';
import type { ModelManifest } from '../../protocol/index.ts';
import type { KnownModel } from '../model-view.ts';
import { currentManifests, resolveCurrent } from './current-model.ts';

function known(version: string, digit: string): KnownModel {
  const sha256 = parseSha256(digit.repeat(64));
  return { modelId: 'plant/detector', version, sha256, local: undefined, entry: undefined, holders: [] };
}

const MODELS = [known('1.10.0', 'a'), known('1.9.0', 'b')];

function parts(...deprecated: string[]) {
  const of = (_: string, version: string) => (deprecated.includes(version) ? { reason: 'drifts' } : undefined);
  return { deprecations: { of } } as unknown as Parameters<typeof resolveCurrent>[0];
}

test.each([
  ['latest', undefined, [], '1.10.0'],
  ['latest, its newest deprecated', undefined, ['1.10.0'], '1.9.0'],
  ['a range over a deprecated one', '>=1.2', ['1.10.0'], '1.9.0'],
  ['the very version', '1.10.0', ['1.10.0'], '1.10.0'],
  ['a digest', `sha256:${'a'.repeat(12)}`, ['1.10.0'], '1.10.0'],
])('resolveCurrent() of %s', (_, range, deprecated, version) => {
  expect(resolveCurrent(parts(...deprecated), MODELS, { id: 'detector', range }).version).toBe(version);
});

test('where only deprecated versions fit, that is said, with the reason', () => {
  const deprecated = parts('1.10.0', '1.9.0');
  expect(() => resolveCurrent(deprecated, MODELS, { id: 'detector' })).toThrow(
    expect.objectContaining({
      code: 'only_deprecated',
      message: expect.stringContaining('1.10.0 as the newest (drifts)'),
    }),
  );
  expect(() => resolveCurrent(deprecated, MODELS, { id: 'nobody' })).toThrow(
    expect.objectContaining({ code: 'model_not_found' }),
  );
});

test('currentManifests() keeps the deprecated one that is named', () => {
  const manifests = ['1.10.0', '1.9.0'].map((version) => ({ model_id: 'a', version }) as unknown as ModelManifest);
  expect(currentManifests(parts('1.10.0'), manifests).map(({ version }) => version)).toEqual(['1.9.0']);
  expect(currentManifests(parts('1.10.0'), manifests, '1.10.0')).toHaveLength(2);
});
