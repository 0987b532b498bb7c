import { expect, test } from 'vitest';
import type { Sha256 } from '../../core/index.ts';
import type { Fit } from '../types.ts';
import { type Criteria, chooseModel, type ModelOnOffer, meets } from './choose-model.ts';

const YES: Fit = { fit: 'yes', reasons: [] };

function model(modelId: string, version: string, more: Partial<ModelOnOffer> = {}): ModelOnOffer {
  const sha256 = 'a'.repeat(64) as Sha256;
  return { modelId, version, sha256, sizeBytes: 1000, capabilities: ['anomaly_detection'], ...more };
}

const OLD = model('net/detector', '1.9.0');
const NEW = model('net/detector', '1.10.0');
const BIG = model('net/other', '1.10.0', { sizeBytes: 5000, capabilities: ['anomaly_detection', 'extra'] });
const ALL = [OLD, BIG, NEW];

test.each<[string, Criteria, ModelOnOffer | undefined]>([
  ['the newest by semver, the smaller of two', { capabilities: ['anomaly_detection'] }, NEW],
  ['only what can do all that is asked', { capabilities: ['anomaly_detection', 'extra'] }, BIG],
  ['what begins as the word does', { capabilities: ['anom'], version: '1.9.0' }, OLD],
  ['nothing where nobody can', { capabilities: ['speech'] }, undefined],
  ['the newest within a range', { capabilities: [], version: '>=1.2 <1.10' }, OLD],
  ['what has a name, by its last part', { capabilities: [], name: 'other' }, BIG],
  ['nothing that is too large', { capabilities: ['extra'], maxSizeBytes: 4999 }, undefined],
  ['latest as every version', { capabilities: [], name: 'net/detector', version: 'latest' }, NEW],
])('chooseModel() takes %s', (_, criteria, wanted) => {
  expect(chooseModel(ALL, criteria, { isDeprecated: () => false, fitOf: () => YES })).toBe(wanted);
});

test('a deprecated version is passed over by ranges, and taken by its very name', () => {
  const context = { isDeprecated: (one: ModelOnOffer) => one === NEW, fitOf: () => YES };
  const wish = { capabilities: [], name: 'net/detector' };
  expect(chooseModel(ALL, wish, context)).toBe(OLD);
  expect(chooseModel(ALL, { ...wish, version: '>=1.10.0' }, context)).toBeUndefined();
  expect(chooseModel(ALL, { ...wish, version: '1.10.0' }, context)).toBe(NEW);
});

test('what does not fit is passed over, and a good fit goes before a newer version with drawbacks', () => {
  const fits = new Map<ModelOnOffer, Fit['fit']>([
    [OLD, 'yes'],
    [BIG, 'no'],
    [NEW, 'degraded'],
  ]);
  const context = { isDeprecated: () => false, fitOf: (one: ModelOnOffer) => ({ ...YES, fit: fits.get(one) ?? 'no' }) };
  expect(chooseModel(ALL, { capabilities: [] }, context)).toBe(OLD);
  expect(chooseModel([BIG, NEW], { capabilities: [] }, context)).toBe(NEW);
});

test('meets() refuses a range that is none', () => {
  expect(() => meets(OLD, { capabilities: [], version: 'not a range!' })).toThrow(/range/);
});
