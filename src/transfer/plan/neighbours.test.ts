import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../core/index.ts';
import { chooseNeighbours, type NeighbourCandidate } from './neighbours.ts';

const make = (count: number, change: Partial<NeighbourCandidate> = {}, name = 'n'): NeighbourCandidate[] =>
  Array.from({ length: count }, (_, at) => ({
    id: `${name}${at}`,
    pathOrder: 1,
    isComplete: false,
    score: 0,
    ...change,
  }));

const candidate = fc.record({
  pathOrder: fc.nat(3),
  isComplete: fc.boolean(),
  score: fc.float({ noNaN: true }),
});
const someCandidates = fc
  .array(candidate, { maxLength: 60 })
  .map((all): NeighbourCandidate[] => all.map((one, at) => ({ ...one, id: `n${at}` })));

describe('chooseNeighbours()', () => {
  it('yields as many as there are, up to the most, and nobody twice', () => {
    fc.assert(
      fc.property(someCandidates, fc.integer({ min: -1, max: 20 }), fc.nat(), (candidates, max, seed) => {
        const chosen = chooseNeighbours(candidates, max, seededRandom(seed));
        expect(chosen.length).toBe(Math.min(candidates.length, Math.max(0, max)));
        expect(new Set(chosen.map(({ id }) => id)).size).toBe(chosen.length);
        expect(chosen.every((one) => candidates.includes(one))).toBe(true);
      }),
    );
  });

  it('is the same for the same inputs', () => {
    fc.assert(
      fc.property(someCandidates, fc.nat(20), fc.nat(), (candidates, max, seed) => {
        const choose = () => chooseNeighbours(candidates, max, seededRandom(seed));
        expect(choose()).toEqual(choose());
      }),
    );
  });

  it('takes the nearest and the best of them into half of the places that are not of complete ones', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const near = make(4, { pathOrder: 0 }, 'near');
        const good = make(4, { score: 5 }, 'good');
        const chosen = chooseNeighbours([...make(100), ...good, ...near], 16, seededRandom(seed)).map(({ id }) => id);
        expect(chosen.slice(0, 4).every((id) => id.startsWith('near'))).toBe(true);
        expect(chosen.filter((id) => id.startsWith('good')).length).toBe(4);
        expect(chosen.filter((id) => id.startsWith('n')).length).toBe(12);
      }),
    );
  });

  it('keeps a few complete ones among many that fetch, and only complete ones where nobody else is', () => {
    const complete = make(100, { isComplete: true }, 'full');
    const ofMany = chooseNeighbours([...complete, ...make(400)], 64, seededRandom(1));
    expect(ofMany.filter(({ isComplete }) => isComplete).length).toBe(8);
    expect(chooseNeighbours(complete, 64, seededRandom(1)).length).toBe(64);
    const ofFew = chooseNeighbours([...complete, ...make(3)], 64, seededRandom(1));
    expect(ofFew.filter(({ isComplete }) => !isComplete).length).toBe(3);
  });

  it.each([1, 2, 3])(
    'makes one graph of 2,000 downloads, and a lone seeder is not followed by all (seed %i)',
    (seed) => {
      const random = seededRandom(seed);
      const [most, size] = [16, 2000];
      const nodes = [...make(size), ...make(1, { isComplete: true }, 'seeder')];
      const links = new Map(nodes.map(({ id }) => [id, new Set<string>()]));
      for (const { id } of nodes.slice(0, size)) {
        for (const other of chooseNeighbours(
          nodes.filter((one) => one.id !== id),
          most,
          random,
        )) {
          links.get(id)?.add(other.id);
          links.get(other.id)?.add(id);
        }
      }
      const reached = new Set(['seeder0']);
      for (const id of reached) for (const next of links.get(id) ?? []) reached.add(next);
      expect(reached.size).toBe(size + 1);
      const followers = links.get('seeder0')?.size ?? 0;
      expect(followers).toBeGreaterThan(0);
      expect(followers).toBeLessThan(3 * most);
      const busiest = Math.max(...[...links.values()].map((linked) => linked.size));
      expect(busiest).toBeLessThan(4 * most);
    },
  );
});
