/**
 * Whom a simulated machine takes as sources: the shipping choice over those it knows of. In a large swarm it knows of a
 * sample of them, drawn alike from seeder, finished and unfinished, which leaves the chances of each as they are.
 */
import type { Random } from '../../core/index.ts';
import { chooseNeighbours } from '../../transfer/index.ts';
import type { SimPeer } from './sim-peer.ts';

/** Ten times what is chosen, so that a choice among ten thousand does not cost more than the transfers. */
const SAMPLE = 512;

/** Those taken before that are still there, and others for the room that is left. */
export function pickNeighbours(peers: readonly SimPeer[], peer: SimPeer, max: number, random: Random): Set<SimPeer> {
  const chosen = new Set([...peer.sources.values()].filter(({ isKnown }) => isKnown));
  const candidates = sampleOf(peers, random)
    .filter((other) => other !== peer && other.isKnown && !chosen.has(other))
    .map((other) => ({ id: other.id, pathOrder: 0, isComplete: other.doneAtMs !== undefined, score: 0, peer: other }));
  for (const { peer: other } of chooseNeighbours(candidates, max - chosen.size, random)) chosen.add(other);
  return chosen;
}

function sampleOf(peers: readonly SimPeer[], random: Random): readonly SimPeer[] {
  if (peers.length <= SAMPLE) return peers;
  const sample = new Set<SimPeer>();
  while (sample.size < SAMPLE) sample.add(peers[Math.floor(random.next() * peers.length)] as SimPeer);
  return [...sample];
}
