import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ModelEntry, modelEntrySchema, PROTOCOL_LIMITS } from '../protocol/index.ts';
import { planPages } from './catalog-pages.ts';

function entry(index: number, name = `model ${index}`): ModelEntry {
  const sha256 = (index + 1).toString(16).padStart(64, '0');
  return modelEntrySchema.parse({ model_id: `acme/model-${index}`, name, size_bytes: 1000 + index, sha256 });
}

describe('planPages()', () => {
  test('announcing one more of 10,000 models publishes one page', () => {
    const models = Array.from({ length: 10_000 }, (_, index) => entry(index));
    const first = planPages([], models);
    expect(first.pages.length).toBe(200);
    const second = planPages(first.pages, [...models, entry(10_000)]);
    expect(second.changed).toEqual([200]);
    const bytes = JSON.stringify(second.pages[200]).length;
    expect(bytes).toBeLessThan(64 * 1024);
  });

  test('a removal publishes its page, and the room is used again', () => {
    const models = Array.from({ length: 120 }, (_, index) => entry(index));
    const first = planPages([], models);
    const without = planPages(
      first.pages,
      models.filter((_, index) => index !== 60),
    );
    expect(without.changed).toEqual([1]);
    const again = planPages(without.pages, [...without.pages.flat(), entry(500)]);
    expect([again.changed, again.pages.length]).toEqual([[1], 3]);
  });

  test('the same models publish nothing, in whatever order', () => {
    const models = Array.from({ length: 60 }, (_, index) => entry(index));
    const first = planPages([], models);
    expect(planPages(first.pages, [...models].reverse()).changed).toEqual([]);
  });

  test('a changed entry stays on its page', () => {
    const models = Array.from({ length: 60 }, (_, index) => entry(index));
    const first = planPages([], models);
    const renamed = models.map((model, index) => (index === 3 ? entry(3, 'renamed') : model));
    expect(planPages(first.pages, renamed).changed).toEqual([0]);
  });

  test('pages of large entries stay under the size of a record', () => {
    const large = Array.from({ length: 50 }, (_, index) => ({
      ...entry(index),
      classes: Array.from({ length: 90 }, () => 'c'.repeat(80)),
    }));
    const { pages } = planPages([], large);
    expect(pages.length).toBeGreaterThan(1);
    for (const page of pages) expect(JSON.stringify(page).length).toBeLessThan(PROTOCOL_LIMITS.recordBytes);
  });

  test('every entry is on exactly one page, and no untouched page is published', () => {
    const ids = fc.uniqueArray(fc.nat(300), { maxLength: 200 });
    fc.assert(
      fc.property(ids, ids, (before, after) => {
        const first = planPages(
          [],
          before.map((index) => entry(index)),
        );
        const second = planPages(
          first.pages,
          after.map((index) => entry(index)),
        );
        const listed = second.pages.flat().map((model) => model.model_id);
        expect([...listed].sort()).toEqual(after.map((index) => `acme/model-${index}`).sort());
        second.pages.forEach((page, index) => {
          if (!second.changed.includes(index)) expect(page).toEqual(first.pages[index]);
        });
      }),
    );
  });
});
