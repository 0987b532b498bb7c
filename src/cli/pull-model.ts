/**
 * `model pull`: asks the daemon for a transfer and follows it. The transfer is the daemon's; an interrupt here cancels it
 * by its request id and waits, bounded, for its last word. Spec: docs/spec/11-cli.md §6.
 */
import type { ControlClient, PullEvent } from '../api/index.ts';
import { formatBytes } from '../core/index.ts';
import type { Context } from './context.ts';
import { describeDifference, differenceBytes } from './difference-words.ts';
import { describeFailure, type Failure, failureOfEvent, reportFailure, toFailedEvent } from './failure.ts';
import { formatDuration, formatRate } from './format.ts';
import { describeWaiting, giversOf, listShares } from './from-whom.ts';
import { CLI_LIMITS } from './limits.ts';
import type { ProgressView } from './progress-line.ts';
import { type PullCriteria, toDifferenceChoice, toPullTarget } from './pull-body.ts';

export interface PullOptions extends PullCriteria {
  readonly from?: string;
  readonly priority?: PullEvent['priority'];
  readonly detach?: boolean;
  readonly yes?: boolean;
  readonly difference?: boolean;
}

/** What passes: the same command goes on from what arrived. */
const KEEPS_PART: readonly Failure['kind'][] = ['unreachable', 'storage'];

export async function pullModel(context: Context, name: string, options: PullOptions): Promise<number> {
  const startedMs = performance.now();
  const seen: { last?: PullEvent } = {};
  try {
    const event = await followPull(context, name, options, seen);
    reportEnd(context, event, options);
    return 0;
  } catch (thrown) {
    const advice = context.signal.aborted && seen.last !== undefined ? `atmosphere model pull ${name}` : undefined;
    const failure = describeFailure(thrown, context, advice);
    if (context.json) context.out.event(toFailedLine(failure, seen.last, performance.now() - startedMs));
    if (advice !== undefined)
      context.out.note('cancelled; what has arrived is kept, the same command goes on from there');
    else if (KEEPS_PART.includes(failure.kind) && (seen.last?.bytes_downloaded ?? 0) > 0)
      context.out.note('what has arrived is kept; the same command goes on from there');
    reportFailure(context, failure);
    return failure.exitCode;
  }
}

/** The event it ended with: `completed`, or the first of all when detached. Throws what made it fail. */
async function followPull(
  context: Context,
  name: string,
  options: PullOptions,
  seen: { last?: PullEvent },
): Promise<PullEvent> {
  const { from, priority, yes } = options;
  const target = toPullTarget(name, options);
  const words = { ...(from && { from }), ...(priority && { priority }), ...(yes && { yes }) };
  const body = { ...target, ...words, ...toDifferenceChoice(options) };
  const client = await context.connect();
  using interrupt = cancelOnInterrupt(context.signal, client, seen);
  for await (const event of client.stream('pull', { body }, interrupt.giveUp)) {
    seen.last = event;
    interrupt.noticed();
    if (event.event === 'failed') throw failureOfEvent(event);
    if (context.json) context.out.event(event);
    if (event.event === 'completed' || (options.detach === true && !context.signal.aborted)) return event;
    context.out.progress.show([toView(event)]);
  }
  throw failureOfEvent({ code: 'daemon_unreachable', kind: 'unreachable', error: 'The daemon broke off its answer' });
}

interface Interrupt extends Disposable {
  /** Aborted when the last word does not come in time. */
  readonly giveUp: AbortSignal;
  /** To be called when the request id may have become known. */
  noticed(): void;
}

function cancelOnInterrupt(signal: AbortSignal, client: ControlClient, seen: { last?: PullEvent }): Interrupt {
  const giveUp = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let asked = false;
  const noticed = () => {
    if (!signal.aborted || asked || seen.last === undefined) return;
    asked = true;
    const params = { request_id: seen.last.request_id };
    client.call('transferCancel', { params }, giveUp.signal).catch(() => giveUp.abort());
  };
  const onAbort = () => {
    timer = setTimeout(() => giveUp.abort(), CLI_LIMITS.interruptTimeoutMs);
    noticed();
  };
  if (signal.aborted) giveUp.abort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return {
    giveUp: giveUp.signal,
    noticed,
    [Symbol.dispose]() {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
    },
  };
}

function toView(event: PullEvent): ProgressView {
  const verifying = event.event === 'verifying';
  return {
    label: `${verifying ? 'verifying ' : ''}${event.model_id}`,
    ...differenceBytes(event),
    ...(verifying ? {} : { rateMbps: event.transfer_rate_mbps, etaSeconds: event.eta_seconds, heldTo: event.held_to }),
    from: giversOf(event).map(({ name }) => name),
    note: noteOf(event),
  };
}

function noteOf(event: PullEvent): string | undefined {
  const { paused, waiting, request_id } = event;
  if (paused === true) return `paused; to go on: atmosphere transfers resume ${request_id.slice(0, 8)}`;
  if (waiting !== undefined) return describeWaiting(waiting.left_s, event, ', Ctrl-C keeps what arrived');
  return describeDifference(event);
}

function reportEnd({ out, json }: Context, event: PullEvent, { detach }: PullOptions): void {
  if (json) return;
  out.progress.end();
  if (event.event !== 'completed' && detach === true) {
    out.line(`pulling ${event.model_id}@${event.version} in the daemon, request ${event.request_id}`);
    return;
  }
  if (event.already_here === true) out.line(`already here: ${event.model_id}@${event.version}`);
  else out.line(`pulled ${event.model_id}@${event.version}  ${sumUp(event)}`);
  const difference = describeDifference(event);
  if (difference !== undefined) out.line(`  ${difference}`);
  if (event.path !== null) out.line(`  ${event.path}`);
  out.line(`  sha256 ${event.sha256} verified`);
  for (const { name, dropped } of event.peers ?? [])
    if (dropped !== undefined) out.note(`${name} sent wrong bytes and was dropped; more: atmosphere mesh nodes`);
}

function sumUp(event: PullEvent): string {
  const seconds = Math.max(0.001, event.duration_ms / 1000);
  const rate = formatRate((receivedBytes(event) * 8) / 1_000_000 / seconds);
  const givers = giversOf(event);
  if (givers.length === 0 && event.peers !== undefined)
    return `${formatBytes(event.size_bytes)}, all of it from what was on this machine already`;
  const from = givers.length === 0 ? '' : ` from ${listShares(givers)}`;
  return `${formatBytes(event.size_bytes)} in ${formatDuration(event.duration_ms)}, ${rate}${from}`;
}

/** Without what an earlier pull had left. */
function receivedBytes({ bytes_downloaded, peers = [], mirrors = [] }: PullEvent): number {
  const given = [...peers, ...mirrors].reduce((sum, { bytes }) => sum + bytes, 0);
  return given > 0 ? Math.min(given, bytes_downloaded) : bytes_downloaded;
}

function toFailedLine(failure: Failure, last: PullEvent | undefined, elapsedMs: number): object {
  return {
    ...(last ?? { sha256: null, size_bytes: null }),
    path: null,
    duration_ms: last?.event === 'failed' ? last.duration_ms : Math.round(elapsedMs),
    ...toFailedEvent(failure),
  };
}
