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

/** All of them, the one with the largest weight first. Few are asked for, of many: a heap, and no sort. */
export function* rankFor<Node>(ranked: readonly Ranked<Node>[], modelKey: number): Generator<Node> {
  // Weight and place in one number: the smaller place is larger, so that it comes first where weights are equal.
  const heap = new Float64Array(ranked.length);
  for (let place = 0; place < heap.length; place += 1)
    heap[place] = rendezvousWeight(ranked[place]?.key ?? 0, modelKey) * PLACES + (PLACES - 1 - place);
  for (let root = (heap.length >> 1) - 1; root >= 0; root -= 1) siftDown(heap, root, heap.length);
  for (let length = heap.length; length > 0; length -= 1) {
    const one = ranked[PLACES - 1 - ((heap[0] ?? 0) % PLACES)];
    heap[0] = heap[length - 1] ?? 0;
    siftDown(heap, 0, length - 1);
    if (one !== undefined) yield one.node;
  }
}

/** 2^21 · 2^32 is the largest whole number that is exact. */
const PLACES = 2 ** 21;

function siftDown(heap: Float64Array, root: number, length: number): void {
  const value = heap[root] ?? 0;
  let hole = root;
  for (let child = 2 * hole + 1; child < length; child = 2 * hole + 1) {
    const larger = child + 1 < length && (heap[child + 1] ?? 0) > (heap[child] ?? 0) ? child + 1 : child;
    if ((heap[larger] ?? 0) <= value) break;
    heap[hole] = heap[larger] ?? 0;
    hole = larger;
  }
  if (hole < length || root === 0) heap[hole] = value;
}
