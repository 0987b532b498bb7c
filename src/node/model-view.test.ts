import { describe, expect, test } from 'vitest';
import type { LocalModel } from '../registry/index.ts';
import { ModelCatalog } from '../registry/index.ts';
import { digestOf } from './library/found.fixture.ts';
import { type KnownModel, mergeModels, resolveModel, toRow } from './model-view.ts';

function local(modelId: string, text: string, change: Partial<LocalModel> = {}): LocalModel {
  const facts = { type: 'llm', format: 'gguf', source: 'imported', sourceRef: `/${modelId}`, state: 'ready' } as const;
  return {
    ...facts,
    ...{ modelId: modelId as LocalModel['modelId'], version: '1.0.0', name: modelId, sizeBytes: 3, unsafe: false },
    ...{ sha256: digestOf(text), public: false, files: [] },
    description: {
      capabilities: [],
      isFileSet: false,
      pieceRoot: digestOf(`${text} root`),
      metadata: {},
      addedAtMs: 1,
    },
    ...change,
  };
}

interface Said {
  readonly node: string;
  readonly modelId: string;
  readonly text: string;
  readonly version?: string;
}

function remote(...said: readonly Said[]) {
  const catalog = new ModelCatalog();
  for (const node of new Set(said.map((one) => one.node))) {
    const models = said
      .filter((one) => one.node === node)
      .map(({ modelId, text, version = '1.0.0' }) => ({
        ...{ model_id: modelId, name: modelId, type: 'llm', format: 'gguf', version },
        ...{ sha256: digestOf(text), size_bytes: 3 },
      }));
    const message = { type: 'model_catalog', node_id: node, node_name: node, timestamp: 1, models };
    catalog.processCatalogMessage(node, node, message);
  }
  const variants = catalog.getAllModels();
  catalog.close();
  return variants;
}

describe('mergeModels()', () => {
  test('is one row a content: here, there, or both', () => {
    const models = mergeModels(
      [local('org/here', 'h'), local('org/both', 'b')],
      remote({ node: 'n1', modelId: 'org/both', text: 'b' }, { node: 'n2', modelId: 'org/there', text: 't' }),
    );
    const rows = models.map((model) => toRow(model, 'me'));
    expect(rows.map(({ model_id, local: isHere, nodes, state }) => ({ model_id, isHere, nodes, state }))).toEqual([
      { model_id: 'org/both', isHere: true, nodes: ['me', 'n1'], state: 'ready' },
      { model_id: 'org/here', isHere: true, nodes: ['me'], state: 'ready' },
      { model_id: 'org/there', isHere: false, nodes: ['n2'], state: 'remote' },
    ]);
  });

  test('never merges two digests of one id and version', () => {
    const models = mergeModels([local('org/m', 'a')], remote({ node: 'n', modelId: 'org/m', text: 'b' }));
    expect(models.map(({ holders }) => holders.length).sort()).toEqual([0, 1]);
  });

  test('puts the newest version first: 1.10 before 1.9', () => {
    const models = mergeModels(
      [local('org/m', 'a', { version: '1.9.0' }), local('org/m', 'b', { version: '1.10.0' })],
      [],
    );
    expect(models.map(({ version }) => version)).toEqual(['1.10.0', '1.9.0']);
  });

  test('a model that is not hashed yet has no digest and no node', () => {
    const [model] = mergeModels([local('org/m', '', { sha256: undefined, state: 'found' })], []);
    expect(toRow(model as KnownModel, 'me')).toMatchObject({ sha256: null, nodes: [], state: 'found' });
  });
});

describe('resolveModel()', () => {
  const models = mergeModels(
    [local('org/tiny', 'v1'), local('org/tiny', 'v2', { version: '1.2.0' })],
    remote(
      { node: 'n', modelId: 'org/tiny', text: 'v3', version: '2.0.0' },
      { node: 'n', modelId: 'a/same', text: 'one' },
      { node: 'n', modelId: 'b/same', text: 'two' },
      { node: 'n', modelId: 'twice/made', text: 'x' },
      { node: 'm', modelId: 'twice/made', text: 'y' },
    ),
  );

  test.each([
    ['the newest without a range', 'org/tiny', undefined, 'v3'],
    ['the newest in a range', 'org/tiny', '^1.0.0', 'v2'],
    ['an exact version', 'org/tiny', '1.0.0', 'v1'],
    ['everything', 'org/tiny', '*', 'v3'],
    ['the last part of an id', 'tiny', '1.0.0', 'v1'],
    ['a digest instead of a name', `sha256:${digestOf('v2')}`, undefined, 'v2'],
    ['the beginning of a digest', `sha256:${digestOf('two').slice(0, 12)}`, undefined, 'two'],
    ['a name with a digest', 'twice/made', `sha256:${digestOf('y')}`, 'y'],
  ])('finds by %s', (_, id, range, text) => {
    expect(resolveModel(models, id, range).sha256).toBe(digestOf(text));
  });

  test.each([
    ['two contents of one name', 'twice/made', undefined],
    ['two ids with one last part', 'same', undefined],
  ])('%s are ambiguous, and the error names them', (_, id, range) => {
    expect(() => resolveModel(models, id, range)).toThrowError(
      expect.objectContaining({
        code: 'model_ambiguous',
        data: { variants: [expect.objectContaining({ nodes: expect.any(Array) }), expect.anything()] },
      }),
    );
  });

  test.each([
    ['an unknown name', 'org/other', undefined],
    ['part of a last part', 'iny', undefined],
    ['a range without a version', 'org/tiny', '^3.0.0'],
    ['too short a digest', 'sha256:abc', undefined],
  ])('%s is not found', (_, id, range) => {
    expect(() => resolveModel(models, id, range)).toThrowError(expect.objectContaining({ code: 'model_not_found' }));
  });

  test('says which versions there are', () => {
    expect(() => resolveModel(models, 'org/tiny', '^3.0.0')).toThrowError(
      expect.objectContaining({ data: { id: 'org/tiny', range: '^3.0.0', versions: ['2.0.0', '1.2.0', '1.0.0'] } }),
    );
  });

  test('a range that is none is refused', () => {
    expect(() => resolveModel(models, 'org/tiny', '>>>1')).toThrowError(
      expect.objectContaining({ code: 'invalid_range' }),
    );
  });

  test('of the same content here and elsewhere it takes what is here', () => {
    const both = mergeModels([local('org/m', 'a')], remote({ node: 'n', modelId: 'org/m', text: 'a' }));
    expect(resolveModel(both, 'org/m').local).toBeDefined();
  });
});
