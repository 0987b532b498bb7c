/** Runs one profile in this process, and prints what came of them all. */
import { type SwarmResult, simulateSwarm } from '../../src/testkit/swarm-sim/swarm.ts';
import { PROFILES } from './profiles.ts';

/** Points kept of a completion curve. */
const CURVE_POINTS = 200;

export interface Measured {
  readonly name: string;
  readonly nodes: number;
  readonly done: number;
  readonly boundSeconds: number;
  /** Which of the three bounds it is. */
  readonly boundBy: string;
  /** The bound had nobody left. */
  readonly stillBoundSeconds: number;
  readonly p50Seconds: number;
  readonly p95Seconds: number;
  readonly lastSeconds: number;
  /** Of the last one done. */
  readonly ratio: number;
  readonly goal?: number;
  readonly seederCopies: number;
  readonly wasted: number;
  readonly events: number;
  readonly plannerCalls: number;
  readonly wallSeconds: number;
  readonly peakRssMB: number;
  /** Seconds, and the share that is done by then. */
  readonly curve: readonly (readonly [number, number])[];
}

export function measure(name: string, seed: number): Measured {
  const profile = PROFILES[name];
  if (profile === undefined) throw new Error(`no profile ${name}`);
  const startedMs = performance.now();
  const result = simulateSwarm({ ...profile.swarm, seed });
  const { doneMs, bound } = result;
  const at = (share: number) => (doneMs[Math.ceil(doneMs.length * share) - 1] ?? Number.NaN) / 1000;
  return {
    name,
    nodes: profile.swarm.peers,
    done: doneMs.length,
    boundSeconds: bound.ms / 1000,
    boundBy: boundBy(result),
    stillBoundSeconds: result.stillBound.ms / 1000,
    p50Seconds: at(0.5),
    p95Seconds: at(0.95),
    lastSeconds: at(1),
    ratio: (at(1) * 1000) / bound.ms,
    ...(profile.goal && { goal: profile.goal }),
    seederCopies: result.seederCopies,
    wasted: result.wasted,
    events: result.events,
    plannerCalls: result.planned,
    wallSeconds: (performance.now() - startedMs) / 1000,
    peakRssMB: process.resourceUsage().maxRSS / 1000,
    curve: curveOf(doneMs, profile.swarm.peers),
  };
}

export function render(all: readonly Measured[]): string {
  const head = [
    'profile',
    'bound s',
    'without churn',
    'median s',
    'p95 s',
    'last s',
    '× bound',
    'goal',
    'seeder copies',
    'wasted %',
    'M events/s',
    'wall s',
    'peak MB',
  ];
  const rows = all.map((one) => [
    one.done === one.nodes ? one.name : `${one.name} (${one.nodes - one.done} not done)`,
    `${one.boundSeconds.toFixed(1)} (${one.boundBy})`,
    one.stillBoundSeconds.toFixed(1),
    one.p50Seconds.toFixed(1),
    one.p95Seconds.toFixed(1),
    one.lastSeconds.toFixed(1),
    one.ratio.toFixed(2),
    one.goal === undefined ? '' : `≤ ${one.goal}`,
    one.seederCopies.toFixed(2),
    (one.wasted * 100).toFixed(2),
    ((one.events + one.plannerCalls) / one.wallSeconds / 1e6).toFixed(2),
    one.wallSeconds.toFixed(1),
    one.peakRssMB.toFixed(0),
  ]);
  return ['', head, head.map(() => '---'), ...rows]
    .map((row) => (typeof row === 'string' ? row : `| ${row.join(' | ')} |`))
    .join('\n');
}

function boundBy({ bound }: SwarmResult): string {
  if (bound.ms === bound.slowestMs) return 'slowest node';
  return bound.ms === bound.seederMs ? 'seeder' : 'all uplinks';
}

function curveOf(doneMs: readonly number[], nodes: number): [number, number][] {
  const step = Math.max(1, Math.floor(doneMs.length / CURVE_POINTS));
  const points = doneMs.flatMap((ms, index): [number, number][] =>
    index % step === 0 || index === doneMs.length - 1
      ? [[Number((ms / 1000).toFixed(2)), Number(((index + 1) / nodes).toFixed(4))]]
      : [],
  );
  return [[0, 0], ...points];
}
