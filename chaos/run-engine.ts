/**
 * One run of the engine: sources as the scenario has them, and one life of the downloading process after the other until the
 * file is whole or nothing more is tried. What must hold is looked at after every life; what does not is a violation.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestBlob, testBlob } from '../src/testkit/hostile-http-server.ts';
import { SeededBytes } from '../src/testkit/seeded-bytes.ts';
import { findLeftovers } from './leftovers.ts';
import type { AttemptOrder } from './messages.ts';
import { cutPower, readPart } from './part-file.ts';
import type { Puller } from './puller.ts';
import { RunDisk } from './run-disk.ts';
import { type AttemptPlan, type EngineScenario, expectedEnd } from './scenario.ts';
import { type RunningSource, startSource } from './source.ts';

export interface RunEnd {
  /** `whole`, or the error's code that it ended with. */
  readonly end: string;
  /** Lives of the downloading process. */
  readonly lives: number;
  readonly violations: readonly string[];
  /** What this machine could not do. */
  readonly leftOut: readonly string[];
}

/** Ends that the spec knows for a download whose peers are like this (docs/errors.md). */
const KNOWN_ENDS = [
  'no_sources',
  'bad_piece',
  'bad_response',
  'refused',
  'not_held',
  'disk_full',
  'cancelled',
  'digest_mismatch',
];
/** Lives without a fault of their own, after those of the plan. */
const QUIET_LIVES = 3;
const QUIET: AttemptPlan = {
  kill: undefined,
  cancelAfterCommits: undefined,
  fillDiskAfterCommits: undefined,
  jumps: [],
  powerCut: undefined,
};

export async function runEngine(scenario: EngineScenario, puller: Puller, folder: string): Promise<RunEnd> {
  const run = new EngineRun(scenario, puller, folder);
  await using stack = new AsyncDisposableStack();
  const sources = await run.prepare(stack);
  await run.live(sources);
  await run.verifyEnd();
  await stack.disposeAsync();
  run.verifyProcesses(sources);
  return run.result();
}

class EngineRun {
  readonly #scenario: EngineScenario;
  readonly #puller: Puller;
  readonly #folder: string;
  readonly #violations: string[] = [];
  readonly #leftOut: string[] = [];
  readonly #blob: TestBlob;
  /** Where the sources' bytes are from; another content where the signed entry lies. */
  readonly #served: TestBlob;
  /** What the store has promised to hold. */
  readonly #promised = new Set<number>();
  #disk: RunDisk | undefined;
  #boot = 0;
  #lives = 0;
  #end = 'not_run';

  constructor(scenario: EngineScenario, puller: Puller, folder: string) {
    this.#scenario = scenario;
    this.#puller = puller;
    this.#folder = folder;
    const { sizeBytes, entryLies } = scenario;
    this.#served = testBlob(new SeededBytes(this.#contentSeed).next(sizeBytes));
    this.#blob = entryLies ? mislabelled(this.#served) : this.#served;
  }

  get #contentSeed(): string {
    return `${this.#scenario.seed}/${this.#scenario.run}`;
  }

  get #store(): string {
    return this.#disk?.folder ?? join(this.#folder, 'store');
  }

  async prepare(stack: AsyncDisposableStack): Promise<RunningSource[]> {
    const { sources, smallDisk, sizeBytes } = this.#scenario;
    if (smallDisk) {
      this.#disk = await RunDisk.mount(join(this.#folder, 'disk'), sizeBytes);
      if (this.#disk === undefined) this.#leftOut.push('disk full (no tmpfs may be mounted here)');
      else stack.use(this.#disk);
    }
    const context = { blob: this.#servedAs(), contentSeed: this.#contentSeed, folder: this.#folder };
    const running: RunningSource[] = [];
    for (const plan of sources) running.push(stack.use(await startSource(plan, context)));
    return running;
  }

  /** The bytes, under the name that they are asked for by. */
  #servedAs(): TestBlob {
    return { ...this.#served, blob: this.#blob.blob };
  }

  async live(sources: readonly RunningSource[]): Promise<void> {
    const plans = [...this.#scenario.attempts, ...Array.from({ length: QUIET_LIVES }, () => QUIET)];
    for (const plan of plans) {
      await this.#disk?.clear();
      if (plan.powerCut !== undefined) await this.#cutPower(plan.powerCut);
      this.#end = await this.#liveOnce(plan, sources);
      this.#lives += 1;
      if (this.#end === 'whole' || this.#end === 'digest_mismatch') return;
      if (this.#violations.length > 0) return;
    }
  }

  async #cutPower(powerCut: NonNullable<AttemptPlan['powerCut']>): Promise<void> {
    const synced = await cutPower(this.#store, this.#blob, powerCut);
    for (const index of this.#promised) if (!synced.has(index)) this.#promised.delete(index);
    this.#boot += 1;
  }

  async #liveOnce(plan: AttemptPlan, sources: readonly RunningSource[]): Promise<string> {
    const order: AttemptOrder = {
      folder: this.#store,
      blob: this.#blob.blob,
      sources: sources.map(({ id, url }) => ({ id, url })),
      plan: this.#disk === undefined ? { ...plan, fillDiskAfterCommits: undefined } : plan,
      bootId: `boot-${this.#boot}`,
      randomSeed: this.#scenario.seed * 1000 + this.#scenario.run * 10 + this.#lives,
    };
    const life = await this.#puller.live(order, (report) => {
      if (report.on === 'held') this.#verifyHeld(new Set(report.indexes));
      if (report.on === 'commit') this.#promised.add(report.index);
      if (report.on === 'revoke') this.#promised.delete(report.index);
    });
    this.#violations.push(...life.violations);
    if (life.end === 'done' || life.end === 'blob_exists') return 'whole';
    if (life.end !== 'killed' && !KNOWN_ENDS.includes(life.end))
      this.#violations.push(`ended with ${life.end}, which no such run should: ${life.message}`);
    return life.end;
  }

  #verifyHeld(held: ReadonlySet<number>): void {
    const lost = [...this.#promised].filter((index) => !held.has(index));
    if (lost.length > 0) this.#violations.push(`pieces ${lost.join(', ')} were committed and are not held any more`);
  }

  async verifyEnd(): Promise<void> {
    await this.#disk?.clear();
    const { sha256 } = this.#blob.blob;
    const path = join(this.#store, 'blobs', 'sha256', sha256.slice(0, 2), sha256);
    const file = await readFile(path).catch(() => undefined);
    const isWhole = this.#end === 'whole';
    if (isWhole && file === undefined) this.#violations.push('it says that the file is there, and it is not');
    if (file !== undefined && !file.equals(this.#blob.content))
      this.#violations.push('the final name holds wrong bytes');
    if (!isWhole && this.#violations.length === 0) await this.#verifyPart();
    const wanted = expectedEnd(this.#scenario);
    if (wanted === 'whole' && !isWhole)
      this.#violations.push(`ended with ${this.#end} though a good source was there all the time`);
    if (wanted !== 'lie' && this.#end === 'digest_mismatch') this.#violations.push('a true entry was called a lie');
    if (wanted === 'lie' && isWhole) this.#violations.push('bytes with another digest were taken');
    this.#violations.push(...(await findLeftovers(this.#store, sha256, isWhole || this.#end === 'digest_mismatch')));
  }

  async #verifyPart(): Promise<void> {
    if (this.#end === 'digest_mismatch') return;
    const part = await readPart(this.#store, `boot-${this.#boot}`, this.#servedAs());
    this.#verifyHeld(part?.held ?? new Set());
    if (part !== undefined && part.wrong.length > 0)
      this.#violations.push(`the part holds pieces ${part.wrong.join(', ')}, and they are wrong`);
  }

  verifyProcesses(sources: readonly RunningSource[]): void {
    const alive = sources.flatMap(({ pids }) => pids).filter(isAlive);
    if (alive.length > 0) this.#violations.push(`processes ${alive.join(', ')} are left`);
  }

  result(): RunEnd {
    const [end, lives, violations, leftOut] = [this.#end, this.#lives, this.#violations, this.#leftOut];
    return { end, lives, violations, leftOut };
  }
}

/** The digest of other bytes of that size, signed together with the root of these. */
function mislabelled(served: TestBlob): TestBlob {
  const content = Buffer.from(served.content);
  content[0] = (content[0] ?? 0) ^ 1;
  const { blob } = testBlob(content);
  return { content, pieces: served.pieces, blob: { ...blob, pieceRoot: served.blob.pieceRoot } };
}

/** A child of this process: numbers come round, and another's process may have one that was ours. */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return Number(parent) === process.pid;
  } catch {
    return false;
  }
}
