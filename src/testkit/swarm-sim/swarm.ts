/**
 * A whole swarm in one process and on a virtual clock: one seeder, any number of machines that want the blob at the same
 * moment, the shipping planner in each. The same options give the same result, to the last event.
 */

import { pieceLayout } from '../../content/index.ts';
import { type Random, seededRandom } from '../../core/index.ts';
import type { TransferLimits } from '../../transfer/index.ts';
import { type AccessLine, type LineShare, pickLine, toBytesPerMs } from './access-lines.ts';
import { Churn, type ChurnOptions } from './churn.ts';
import { type LowerBound, lowerBound } from './lower-bound.ts';
import { SimPeer } from './sim-peer.ts';
import { SwarmWorld } from './swarm-world.ts';

export interface SwarmOptions {
  readonly seed: number;
  readonly sizeBytes: number;
  readonly peers: number;
  readonly seeder: AccessLine;
  readonly lines: readonly LineShare[];
  /** Width of the square in which the machines are, as one-way delay. */
  readonly worldMs: number;
  readonly churn: ChurnOptions;
  readonly limits: TransferLimits;
  readonly depth?: number;
  readonly lanesPerSource?: number;
  readonly neighbours?: number;
  /** How long links take to follow a change at their flows' other ends. */
  readonly settleMs?: number;
  /** Given up at this time. */
  readonly maxMs?: number;
  /** Looks at the world every so often; for plots and for finding where time goes. */
  readonly watch?: { readonly everyMs: number; look(world: SwarmWorld): void };
}

export interface SwarmResult {
  /** When each machine was done, sorted; those that were not are left out. */
  readonly doneMs: readonly number[];
  readonly bound: LowerBound;
  /** The same, had nobody ever left. */
  readonly stillBound: LowerBound;
  readonly seederCopies: number;
  /** Bytes received beyond one copy each, as a share. */
  readonly wasted: number;
  readonly duplicatePieces: number;
  readonly failedTimes: number;
  readonly lanesOpened: number;
  readonly events: number;
  readonly planned: number;
}

const NEWS_DELAY_MS = 100;

export function simulateSwarm(options: SwarmOptions): SwarmResult {
  const { world, churn } = buildSwarm(options);
  const maxMs = options.maxMs ?? 3_600_000;
  for (const peer of world.peers) churn.arrive(peer);
  if (options.watch !== undefined) keepWatching(world, options.watch);
  while (world.unfinished > 0 && world.queue.nowMs < maxMs && world.queue.step());
  return resultOf(world, options);
}

function keepWatching(world: SwarmWorld, watch: NonNullable<SwarmOptions['watch']>): void {
  world.after(watch.everyMs, () => {
    watch.look(world);
    keepWatching(world, watch);
  });
}

function buildSwarm(options: SwarmOptions): { world: SwarmWorld; churn: Churn } {
  const random = seededRandom(options.seed);
  const { pieceBytes, pieceCount } = pieceLayout(options.sizeBytes);
  const world = new SwarmWorld({
    sizeBytes: options.sizeBytes,
    pieceBytes,
    pieceCount,
    limits: options.limits,
    random,
    depth: options.depth ?? 8,
    lanesPerSource: options.lanesPerSource ?? 1,
    neighbours: options.neighbours ?? 48,
    settleMs: options.settleMs ?? 50,
    newsDelayMs: NEWS_DELAY_MS,
  });
  for (let index = 0; index <= options.peers; index += 1) world.peers.push(makePeer(options, index, random, world));
  for (const peer of world.peers) peer.isKnown = true;
  world.unfinished = options.peers;
  return { world, churn: new Churn(world, options.churn, random) };
}

function makePeer(options: SwarmOptions, index: number, random: Random, world: SwarmWorld): SimPeer {
  const line = index === 0 ? options.seeder : pickLine(options.lines, random);
  const place = { x: random.next() * options.worldMs, y: random.next() * options.worldMs };
  const own = seededRandom(Math.floor(random.next() * 2 ** 32));
  return new SimPeer({ index, located: { line, place }, random: own, isSeeder: index === 0 }, world);
}

function resultOf(world: SwarmWorld, options: SwarmOptions): SwarmResult {
  const [seeder, ...others] = world.peers as [SimPeer, ...SimPeer[]];
  const received = others.reduce((sum, peer) => sum + peer.down.passedBytes, 0);
  const held = others.reduce((sum, peer) => sum + peer.board.heldCount, 0);
  const nodes = others.map((peer) => ({
    upBytesPerMs: peer.up.bytesPerMs,
    downBytesPerMs: peer.down.bytesPerMs,
    online: peer.online,
  }));
  const [size, seederUp] = [options.sizeBytes, toBytesPerMs(options.seeder.upMbits)];
  const always = [{ fromMs: 0, toMs: Number.POSITIVE_INFINITY }];
  return {
    doneMs: others.flatMap((peer) => peer.doneAtMs ?? []).sort((a, b) => a - b),
    bound: lowerBound(size, seederUp, nodes),
    stillBound: lowerBound(
      size,
      seederUp,
      nodes.map((node) => ({ ...node, online: always })),
    ),
    seederCopies: seeder.up.passedBytes / options.sizeBytes,
    wasted: received / ((held / world.options.pieceCount) * options.sizeBytes) - 1,
    duplicatePieces: world.duplicatePieces,
    failedTimes: others.reduce((sum, peer) => sum + peer.failedTimes, 0),
    lanesOpened: world.lanesOpened,
    events: world.queue.fired,
    planned: world.planned,
  };
}
