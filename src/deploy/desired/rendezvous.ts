/**
 * Spreads the replicas of a model over nodes (rendezvous hashing): every node computes the same ones, and when one goes only
 * its own replicas move. Spec: docs/spec/17-deployment.md §2.5. Pure.
 */
import { createHash } from 'node:crypto';
import type { NodeId } from '../../core/index.ts';

/** First 4 bytes of SHA-256, big-endian. */
export function rendezvousKey(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}

/** The node's weight for a model: the larger one comes first. */
export function rendezvousWeight(nodeKey: number, modelKey: number): number {
  return mix(nodeKey ^ mix(modelKey));
}

/** MurmurHash3's 32-bit finalizer: one-to-one, so different node keys never tie. */
function mix(value: number): number {
  let mixed = value >>> 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Nodes with their keys, in order of id: what ties are decided by. */
export interface Ranked<Node> {
  readonly node: Node;
  readonly key: number;
}

export function rankable<Node>(nodes: readonly Node[], idOf: (node: Node) => NodeId): readonly Ranked<Node>[] {
  return nodes
    .map((node) => ({ node, id: idOf(node) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .map(({ node, id }) => ({ node, key: rendezvousKey(id) }));
}

/** All of them, the one with the largest weight first. */
export function* rankFor<Node>(ranked: readonly Ranked<Node>[], modelKey: number): Generator<Node> {
  // Weight and place in one number: a sort of plain numbers, the smaller place first where weights are equal.
  const order = new Float64Array(ranked.length);
  ranked.forEach(({ key }, place) => {
    order[place] = rendezvousWeight(key, modelKey) * PLACES + (PLACES - 1 - place);
  });
  order.sort();
  for (let index = order.length - 1; index >= 0; index -= 1) {
    const one = ranked[PLACES - 1 - ((order[index] ?? 0) % PLACES)];
    if (one !== undefined) yield one.node;
  }
}

/** 2^21 · 2^32 is the largest whole number that is exact. */
const PLACES = 2 ** 21;
