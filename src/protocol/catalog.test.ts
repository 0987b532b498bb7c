import { describe, expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { parseCatalogMessage } from './catalog.ts';
import { compareVersions, newestInRange } from './versions.ts';

interface MessageCase {
  readonly name: string;
  readonly message: unknown;
  readonly valid: boolean;
  readonly kept?: number;
  readonly dropped?: number;
}

describe('parseCatalogMessage()', () => {
  test.each(vectorCases<MessageCase>('catalog', 'messages.json'))('%s', (_name, { message, valid, kept, dropped }) => {
    if (!valid) {
      expect(() => parseCatalogMessage(message)).toThrowError(expect.objectContaining({ code: 'malformed' }));
      return;
    }
    const parsed = parseCatalogMessage(message);
    expect([parsed.models.length, parsed.dropped.length]).toEqual([kept, dropped]);
  });

  test('reads null as absence and keeps unknown fields', () => {
    const entry = { model_id: 'a', name: 'a', size_bytes: 1, sha256: 'ab'.repeat(32), classes: null, colour: 'red' };
    const message = {
      type: 'model_catalog',
      node_id: 'n',
      node_name: null,
      timestamp: 1,
      models: [entry],
      ttl_seconds: null,
    };
    const parsed = parseCatalogMessage(message);
    expect(parsed.models[0]).toMatchObject({ colour: 'red', type: 'other', version: '0' });
    expect(parsed.models[0]).not.toHaveProperty('classes');
    expect(parsed.ttl_seconds).toBe(300);
  });

  test('bounds the time that a peer asks to be remembered', () => {
    const parsed = parseCatalogMessage({
      type: 'model_catalog',
      node_id: 'n',
      timestamp: 1,
      models: [],
      ttl_seconds: 1e9,
    });
    expect(parsed.ttl_seconds).toBe(3600);
  });
});

interface VersionCase {
  readonly name: string;
  readonly older?: string;
  readonly newer?: string;
  readonly versions?: string[];
  readonly range?: string;
  readonly newest?: string | null;
}

describe('versions', () => {
  test.each(vectorCases<VersionCase>('catalog', 'versions.json'))(
    '%s',
    (_name, { older, newer, versions, range, newest }) => {
      if (older !== undefined && newer !== undefined) {
        expect(compareVersions(older, newer)).toBeLessThan(0);
        expect(compareVersions(newer, older)).toBeGreaterThan(0);
        expect(compareVersions(older, older)).toBe(0);
      } else {
        expect(newestInRange(versions ?? [], range ?? '') ?? null).toBe(newest);
      }
    },
  );

  test('a range that is none is refused with what was wanted', () => {
    expect(() => newestInRange(['1.0.0'], '>>1')).toThrowError(expect.objectContaining({ code: 'invalid_range' }));
  });
});
