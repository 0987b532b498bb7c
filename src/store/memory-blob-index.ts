/** The store's index in maps: for tests, tools and the memory store. */
import type { Sha256 } from '../core/index.ts';
import type { BlobIndex, BlobPlace } from './ports.ts';

export function createMemoryBlobIndex(): BlobIndex {
  const places = new Map<Sha256, BlobPlace[]>();
  const pinned = new Set<Sha256>();
  const refs = new Map<Sha256, Set<string>>();
  return {
    places: (sha256) => [...(places.get(sha256) ?? [])],
    allPlaces: () => [...places.values()].flat(),
    putPlace(place) {
      const others = (places.get(place.sha256) ?? []).filter(({ path }) => path !== place.path);
      places.set(place.sha256, [...others, place].sort(byPreference));
    },
    deletePlace(sha256, path) {
      const left = (places.get(sha256) ?? []).filter((place) => place.path !== path);
      if (left.length === 0) places.delete(sha256);
      else places.set(sha256, left);
    },
    isPinned: (sha256) => pinned.has(sha256),
    setPinned(sha256, isPinned) {
      if (isPinned) pinned.add(sha256);
      else pinned.delete(sha256);
    },
    addRef(sha256, holder) {
      refs.set(sha256, (refs.get(sha256) ?? new Set()).add(holder));
    },
    removeRef(sha256, holder) {
      const holders = refs.get(sha256);
      holders?.delete(holder);
      if (holders?.size === 0) refs.delete(sha256);
    },
    refs: (sha256) => [...(refs.get(sha256) ?? [])].sort(),
  };
}

function byPreference(a: BlobPlace, b: BlobPlace): number {
  if (a.place !== b.place) return a.place === 'owned' ? -1 : 1;
  return a.path < b.path ? -1 : 1;
}
