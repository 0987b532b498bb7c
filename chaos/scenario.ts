/**
 * What happens in a run, drawn from (seed, run) and nothing else: how much, from whom, which of them fails how and where, when
 * somebody is killed. Every fault names the progress that brings it about, never a time. Pure; printed as JSON when a run fails.
 */
import { createHash } from 'node:crypto';
import { KiB, MiB, type Random, seededRandom } from '../src/core/index.ts';

/** How a source answers one request for a range; `at` is the share of the body that comes before. */
export interface Answer {
  readonly how: (typeof ANSWERS)[number];
  readonly at: number;
}

const ANSWERS = [
  'honest',
  'wrong_bytes',
  'short',
  'long',
  'endless',
  'endless_head',
  'silent',
  'silent_head',
  'mute',
  'closes',
  'resets',
  'whole_blob',
  'other_range',
  'chunked',
  'wrong_length',
  'other_digest',
  'garbage',
  'busy',
  'broken',
  'absent',
  'not_there_yet',
  'refuses',
  'slow',
] as const;

/** What becomes of one connection on its way. */
export interface Cut {
  readonly afterBytes: number;
  /** `swallow`: nothing comes any more and nobody says so. */
  readonly how: 'reset' | 'end' | 'swallow';
}

const NEWS = ['none', 'all', 'partial', 'claims_all', 'flood', 'garbage', 'mute', 'ends', 'bad_index'] as const;

export interface SourcePlan {
  readonly id: string;
  /** A process of its own, killed after so many body bytes in each of its lives, then started again; else this process. */
  readonly lives: readonly number[] | undefined;
  /** By number of the request for a range, over all lives and attempts; after the last one it is honest, or `ever`. */
  readonly answers: readonly Answer[];
  readonly ever: Answer | undefined;
  readonly list: 'honest' | 'wrong' | 'short' | 'mute';
  /** What it says that it holds; it begins with that share where it holds a part. */
  readonly news: { readonly how: (typeof NEWS)[number]; readonly share: number };
  /** By number of the connection. */
  readonly cuts: readonly Cut[];
}

/** One life of the downloading process. */
export interface AttemptPlan {
  readonly kill: { readonly at: 'open' | 'write' | 'commit' | 'finish' | 'named'; readonly count: number } | undefined;
  readonly cancelAfterCommits: number | undefined;
  readonly fillDiskAfterCommits: number | undefined;
  readonly jumps: readonly { readonly afterCommits: number; readonly byMs: number }[];
  /** Before it: the power fails. Bytes that were not synced are gone, the journal's last bytes too. */
  readonly powerCut: { readonly loses: readonly number[]; readonly tornBytes: number } | undefined;
}

export interface EngineScenario {
  readonly kind: 'engine';
  readonly seed: number;
  readonly run: number;
  readonly sizeBytes: number;
  readonly sources: readonly SourcePlan[];
  readonly attempts: readonly AttemptPlan[];
  /** The signed entry pairs the digest with the root of other bytes, and all sources send those. */
  readonly entryLies: boolean;
  readonly smallDisk: boolean;
}

/** Whole daemons: who is killed at which share of the pull. */
export interface DaemonScenario {
  readonly kind: 'daemons';
  readonly seed: number;
  readonly run: number;
  readonly sizeBytes: number;
  readonly seeders: number;
  readonly rottenSeeder: boolean;
  /** A second node pulls at the same time, unharmed: each serves the other what it has. */
  readonly isShared: boolean;
  readonly kills: readonly { readonly who: 'puller' | 'seeder'; readonly atPercent: number }[];
}

export type Scenario = EngineScenario | DaemonScenario;

/** How often whole daemons take the place of the engine alone. */
const DAEMONS_EVERY = 25;
const DAEMONS_AT = 7;

export function drawScenario(seed: number, run: number, kind?: Scenario['kind']): Scenario {
  const digest = createHash('sha256').update(`chaos/${seed}/${run}`).digest();
  const draw = new Draw(seededRandom(digest.readUInt32BE(0)));
  const drawn = kind ?? (run % DAEMONS_EVERY === DAEMONS_AT ? 'daemons' : 'engine');
  return drawn === 'daemons' ? drawDaemons(draw, seed, run) : drawEngine(draw, seed, run);
}

class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  /** A whole number of [from, to]. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.#random.next() * (to - from + 1));
  }

  share(): number {
    return Math.floor(this.#random.next() * 1000) / 1000;
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability;
  }

  oneOf<T>(...all: readonly [T, ...T[]]): T {
    return all[this.whole(0, all.length - 1)] ?? all[0];
  }

  many<T>(from: number, to: number, one: () => T): T[] {
    return Array.from({ length: this.whole(from, to) }, one);
  }
}

function drawEngine(draw: Draw, seed: number, run: number): EngineScenario {
  // Small ones most often: what happens at their edges happens in large ones too.
  const pieces = draw.oneOf(draw.whole(2, 6), draw.whole(2, 12), draw.whole(4, 40));
  const sizeBytes = Math.max(MiB + 1, pieces * MiB - draw.oneOf(0, 1, draw.whole(1, MiB - 1)));
  const entryLies = draw.chance(0.04);
  const sources = draw.many(1, 5, () => draw.chance(0.35)).map((isHonest, index) => drawSource(draw, index, isHonest));
  const smallDisk = draw.chance(0.12);
  const attempts = draw.many(1, 4, () => drawAttempt(draw, pieces, smallDisk));
  return { kind: 'engine', seed, run, sizeBytes, sources, attempts, entryLies, smallDisk };
}

function drawSource(draw: Draw, index: number, isHonest: boolean): SourcePlan {
  const id = `source-${index}`;
  const news = { how: draw.oneOf(...NEWS), share: draw.share() };
  if (isHonest)
    return { id, lives: undefined, answers: [], ever: undefined, list: 'honest', news: toTrue(news), cuts: [] };
  const lives = draw.chance(0.3) ? draw.many(1, 3, () => draw.whole(0, 6 * MiB)) : undefined;
  const answers = draw.chance(0.75) ? draw.many(1, 8, () => drawAnswer(draw)) : [];
  const ever = draw.chance(0.3) ? drawAnswer(draw) : undefined;
  const list = draw.chance(0.15) ? draw.oneOf('wrong', 'short', 'mute') : 'honest';
  const cuts = draw.chance(0.4) ? draw.many(1, 5, () => drawCut(draw)) : [];
  return { id, lives, answers, ever, list, news, cuts };
}

/** One without the route, or one that has it and everything. */
function toTrue(news: SourcePlan['news']): SourcePlan['news'] {
  return news.share < 0.5 ? { ...news, how: 'none' } : { ...news, how: 'all' };
}

function drawAnswer(draw: Draw): Answer {
  return { how: draw.chance(0.25) ? 'honest' : draw.oneOf(...ANSWERS), at: draw.share() };
}

function drawCut(draw: Draw): Cut {
  return {
    afterBytes: draw.oneOf(0, draw.whole(1, 400), draw.whole(1, 64 * KiB), draw.whole(1, 12 * MiB)),
    how: draw.oneOf('reset', 'end', 'swallow'),
  };
}

function drawAttempt(draw: Draw, pieces: number, smallDisk: boolean): AttemptPlan {
  const kill = draw.chance(0.65)
    ? { at: draw.oneOf('open', 'write', 'write', 'commit', 'commit', 'commit', 'finish', 'named'), count: 0 }
    : undefined;
  const commits = () => draw.whole(1, pieces);
  return {
    kill: kill && ({ ...kill, count: countFor(draw, kill.at, pieces) } as AttemptPlan['kill']),
    cancelAfterCommits: draw.chance(0.08) ? commits() : undefined,
    fillDiskAfterCommits: smallDisk && draw.chance(0.7) ? draw.whole(0, pieces - 1) : undefined,
    jumps: draw.chance(0.3) ? draw.many(1, 3, () => ({ afterCommits: commits(), byMs: drawJump(draw) })) : [],
    powerCut: draw.chance(0.25)
      ? { loses: draw.many(0, 4, () => draw.whole(0, pieces - 1)), tornBytes: draw.oneOf(0, draw.whole(1, 40)) }
      : undefined,
  };
}

/** The how-manieth of its kind: pieces, writes of half a piece, turns of the event loop after the last step began. */
function countFor(draw: Draw, at: string, pieces: number): number {
  if (at === 'write') return draw.whole(1, 2 * pieces);
  return at === 'finish' ? draw.whole(0, 12) : draw.whole(1, pieces);
}

/** Hours and years, both ways. */
function drawJump(draw: Draw): number {
  return draw.oneOf(-1, 1) * draw.oneOf(1000, 3_600_000, 40 * 86_400_000, 20 * 365 * 86_400_000);
}

function drawDaemons(draw: Draw, seed: number, run: number): DaemonScenario {
  const seeders = draw.whole(1, 2);
  const kills = draw.many(1, 3, () => ({
    who: draw.chance(0.7) ? ('puller' as const) : ('seeder' as const),
    atPercent: draw.whole(1, 95),
  }));
  const sizeBytes = draw.whole(24, 96) * MiB + draw.whole(0, MiB);
  const [rottenSeeder, isShared] = [seeders > 1 && draw.chance(0.5), draw.chance(0.5)];
  return { kind: 'daemons', seed, run, sizeBytes, seeders, rottenSeeder, isShared, kills };
}

/** Which ends the run may have: where somebody good is always there, nothing but the whole file will do. */
export function expectedEnd({ sources, entryLies }: EngineScenario): 'whole' | 'lie' | 'either' {
  if (entryLies) return 'lie';
  return sources.some(isSteady) ? 'whole' : 'either';
}

function isSteady({ lives, answers, ever, list, news, cuts }: SourcePlan): boolean {
  const isWhole = news.how === 'none' || news.how === 'all';
  return (
    isWhole &&
    lives === undefined &&
    answers.length === 0 &&
    ever === undefined &&
    list === 'honest' &&
    cuts.length === 0
  );
}

/** The faults of a run by name, for the table. */
export function faultsOf(scenario: Scenario): string[] {
  if (scenario.kind === 'daemons')
    return [
      'daemons',
      ...scenario.kills.map(({ who }) => `kill ${who}`),
      ...(scenario.rottenSeeder ? ['rot'] : []),
      ...(scenario.isShared ? ['shared pull'] : []),
    ];
  const { sources, attempts, entryLies } = scenario;
  const ofSources = sources.flatMap(({ answers, ever, list, news, cuts, lives }) => [
    ...[...answers, ...(ever === undefined ? [] : [ever])].map(({ how }) => how).filter((how) => how !== 'honest'),
    ...(list === 'honest' ? [] : [`list ${list}`]),
    ...(news.how === 'none' || news.how === 'all' ? [] : [`news ${news.how}`]),
    ...cuts.map(({ how }) => `link ${how}`),
    ...(lives === undefined ? [] : ['kill seeder']),
  ]);
  const ofAttempts = attempts.flatMap(({ kill, cancelAfterCommits, fillDiskAfterCommits, jumps, powerCut }) => [
    ...(kill === undefined ? [] : [`kill at ${kill.at}`]),
    ...(cancelAfterCommits === undefined ? [] : ['cancel']),
    ...(fillDiskAfterCommits === undefined ? [] : ['disk full']),
    ...(jumps.length === 0 ? [] : ['clock jump']),
    ...(powerCut === undefined ? [] : ['power cut']),
  ]);
  return [...new Set([...ofSources, ...ofAttempts, ...(entryLies ? ['entry lies'] : [])])];
}
