/**
 * The downloading process as the runs see it: one for many lives, until one of them is killed. After each life that ended by
 * itself it must have nothing open that was not open before.
 */
import { MiB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { Child } from './child.ts';
import type { AttemptOrder, PullerReport } from './messages.ts';

export interface Life {
  /** `done`, `killed`, or the code of the error. */
  readonly end: string;
  readonly message: string;
  readonly violations: readonly string[];
}

const LIFE_MS = 60_000;
const LEAVE_MS = 15_000;
const HANDLES_MS = 10_000;
const PEAK_BYTES = 500 * MiB;

export class Puller {
  readonly #folder: string;
  #child: Child<AttemptOrder, PullerReport> | undefined;
  #handlesAtBirth = 0;
  #listen: (report: PullerReport) => void = () => {};
  readonly #pids: number[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  get pids(): readonly number[] {
    return this.#pids;
  }

  /** What the runner has open to the process: two pipes and a channel. */
  get openPipes(): number {
    return this.#child === undefined || this.#child.isGone ? 0 : 3;
  }

  async live(order: AttemptOrder, onReport: (report: PullerReport) => void): Promise<Life> {
    const child = await this.#born();
    const violations: string[] = [];
    const isIdle = Promise.withResolvers<'idle'>();
    let end: Extract<PullerReport, { on: 'end' }> | undefined;
    let wasKilled = false;
    this.#listen = (report) => {
      onReport(report);
      if (report.on === 'end') end = report;
      if (report.on === 'killed') wasKilled = true;
      if (report.on === 'idle') isIdle.resolve('idle');
    };
    child.order(order);
    const timer = setTimeout(() => {
      violations.push(`a life did not end in ${LIFE_MS / 1000} s`);
      void child.kill();
    }, LIFE_MS);
    const how = await Promise.race([isIdle.promise, child.gone()]);
    clearTimeout(timer);
    if (how === 'idle') violations.push(...(await this.#verifyQuiet(child, order.folder)));
    else if (!wasKilled) violations.push(`the process fell over: ${child.lastWords}`);
    return { end: wasKilled ? 'killed' : (end?.code ?? 'gone'), message: end?.message ?? '', violations };
  }

  /** It has nothing to do any more: it must end by itself. */
  async close(): Promise<string[]> {
    if (this.#child === undefined || this.#child.isGone) return [];
    return (await this.#child.leave(LEAVE_MS)) ? [] : ['the downloading process did not end by itself'];
  }

  async #born(): Promise<Child<AttemptOrder, PullerReport>> {
    if (this.#child !== undefined && !this.#child.isGone) return this.#child;
    const ready = Promise.withResolvers<void>();
    this.#listen = (report) => {
      if (report.on === 'ready') ready.resolve();
    };
    const child = new Child<AttemptOrder, PullerReport>('puller-child.ts', this.#folder, (report) =>
      this.#listen(report),
    );
    this.#child = child;
    this.#pids.push(child.pid);
    await Promise.race([ready.promise, child.gone()]);
    if (child.isGone) throw new Error(`the downloading process did not start: ${child.lastWords}`);
    this.#handlesAtBirth = child.openHandles(this.#folder).length;
    return child;
  }

  async #verifyQuiet(child: Child<AttemptOrder, PullerReport>, folder: string): Promise<string[]> {
    const wanted = this.#handlesAtBirth;
    const handles = async () => child.openHandles(folder);
    const left = await eventually(handles, (all) => all.length <= wanted, HANDLES_MS).catch(handles);
    const peakBytes = child.peakBytes();
    return [
      ...(left.length > wanted ? [`handles are left, ${left.length} instead of ${wanted}: ${left.join(', ')}`] : []),
      ...(peakBytes > PEAK_BYTES ? [`it took ${Math.round(peakBytes / MiB)} MiB`] : []),
    ];
  }
}
