/** `transfers limit`: the rate policy shown and set. The daemon reads the rates, so that there is one parser of them. */
import type { Limits } from '../api/index.ts';
import { chooseTransfer } from './choose-transfer.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { formatMoment } from './format.ts';
import { layoutPairs } from './table.ts';

export interface LimitOptions {
  readonly profile?: Limits['profile'];
  readonly download?: string;
  readonly upload?: string;
  readonly perPeer?: string;
  readonly peer?: string;
  readonly schedule?: string[];
  readonly yield?: 'on' | 'off';
  readonly clear?: boolean;
}

export async function limitTransfers(context: Context, id: string | undefined, given: LimitOptions): Promise<number> {
  const options = ownOf(given);
  if (id !== undefined) return await limitOne(context, id, options);
  const isAsking = Object.keys(options).length === 0;
  const answer = isAsking
    ? await context.call('limits')
    : await context.call('limitsChange', { body: toChange(options) });
  context.out.answer(answer, () => layoutPairs(describeLimits(answer)));
  if (!isAsking && isIdle(answer))
    context.out.note('the schedule changes nothing yet: no limit is set that it could lift');
  if (isAsking && answer.profile === 'lan') context.out.note('to set one: atmosphere transfers limit --upload 5Mbps');
  return 0;
}

/** A schedule that lifts limits where there are none. */
function isIdle({ profile, download, upload, schedule }: Limits): boolean {
  const isOpen = profile !== 'metered' && download === 'unlimited' && upload === 'unlimited';
  return isOpen && schedule.length > 0 && schedule.every((entry) => entry.endsWith(' unlimited'));
}

/** What was given, without the flags that every command has. */
function ownOf({
  profile,
  download,
  upload,
  perPeer,
  peer,
  schedule,
  yield: yields,
  clear,
}: LimitOptions): LimitOptions {
  const own = { profile, download, upload, perPeer, peer, schedule, yield: yields, clear };
  return Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined));
}

function toChange({ perPeer, yield: yields, ...options }: LimitOptions) {
  if (options.peer !== undefined && (options.profile ?? options.schedule ?? perPeer ?? yields) !== undefined)
    throw new CliError('bad_usage', 'Limiting a peer: it has --download, --upload and --clear, nothing else');
  if (options.peer !== undefined && (options.download ?? options.upload ?? options.clear) === undefined)
    throw new CliError('bad_usage', 'Limiting a peer: wanted --download, --upload or --clear as well');
  return {
    ...options,
    ...(perPeer === undefined ? {} : { per_peer: perPeer }),
    ...(yields === undefined ? {} : { yields: yields === 'on' }),
  };
}

async function limitOne(context: Context, id: string, options: LimitOptions): Promise<number> {
  const { download, upload, clear, ...others } = options;
  if (Object.keys(others).length > 0)
    throw new CliError('bad_usage', 'Limiting one transfer: it has --download, --upload and --clear, nothing else');
  if ((download ?? upload ?? clear) === undefined)
    throw new CliError('bad_usage', `Limiting ${id}: wanted --download, --upload or --clear`);
  const { transfers } = await context.call('transfers');
  const { request_id } = chooseTransfer(transfers, id, 'Limiting');
  const answer = await context.call('transferWish', { body: { request_id, download, upload, clear } });
  const { download: down = 'unlimited', upload: up = 'unlimited' } = answer.limits ?? {};
  context.out.answer(answer, () => [`${answer.model_id}@${answer.version}: download ${down}, upload ${up}`]);
  return 0;
}

function describeLimits(limits: Limits): [string, string][] {
  const { profile, download, upload, per_peer, peers, schedule, yields, now } = limits;
  return [
    ['profile', describeProfile(profile)],
    ['download', download],
    ['upload', upload],
    ['each peer', per_peer],
    ...peers.map((peer): [string, string] => [`peer ${peer.name}`, `download ${peer.download}, upload ${peer.upload}`]),
    ...schedule.map((entry): [string, string] => ['schedule', entry]),
    ['gives way', yields || profile === 'metered' ? 'to other traffic on the link' : 'only transfers of low priority'],
    ['now', `download ${now.download}, upload ${now.upload}${describeUntil(now)}`],
  ];
}

function describeProfile(profile: Limits['profile']): string {
  if (profile === 'metered') return 'metered (a transfer under 10 MB free, under 500 MB 5Mbps, else 2Mbps)';
  return profile === 'lan' ? 'lan (no limit)' : 'custom';
}

function describeUntil({ by_size, until }: Limits['now']): string {
  const classes = by_size ? ', each transfer by its size' : '';
  return until === null ? classes : `${classes}, until ${formatMoment(until)}`;
}
