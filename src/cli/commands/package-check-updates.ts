import type { PackageOffer } from '../../api/index.ts';
import { formatBytes } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';
import { parseDurationWithin } from '../parse-values.ts';
import type { Column } from '../table.ts';

interface UpdatesOptions {
  readonly wait?: number;
  readonly all?: boolean;
}

const COLUMNS: readonly Column[] = [
  { title: 'PACKAGE', shrinks: true },
  { title: 'INSTALLED' },
  { title: 'OFFERED' },
  { title: 'TIER' },
  { title: 'SIZE', align: 'right' },
  { title: 'MISSING', align: 'right' },
  { title: 'FROM', shrinks: true },
  { title: 'NOTE', shrinks: true },
];

/** Fetching what is small of many offers takes its time. */
const PATIENCE_MS = 180_000;

export const packageCheckUpdates: CommandSpec<UpdatesOptions> = {
  usage: 'check-updates',
  about: 'What the mesh and the local network offer of packages, against what is installed',
  examples: ['atmosphere package check-updates', 'atmosphere package check-updates --all --json'],
  options: [
    { flags: '--all', about: 'also what is installed already, and packages that are not installed here' },
    {
      flags: '--wait <duration>',
      about: 'how long to listen for gateways (default: 1.5 s)',
      parse: parseDurationWithin(1, 60, 'a time like 10s'),
    },
  ],
  async run(context, { options: { wait, all = false } }) {
    const query = wait === undefined ? {} : { wait_s: String(wait) };
    const answer = await context.call('packageUpdates', { query }, PATIENCE_MS);
    const offers = all || context.json ? answer.offers : answer.offers.filter(({ newer }) => newer);
    context.out.answer(answer, () => (offers.length === 0 ? [] : context.out.table(COLUMNS, offers.map(toCells))));
    const others = answer.offers.length - offers.length;
    if (offers.length === 0) context.out.note('nothing newer is offered');
    else if (offers.some(({ newer }) => newer))
      context.out.note('to get what is newer: atmosphere package sync --from NODE');
    if (others > 0) context.out.note(`${others} more offered; --all shows them`);
    return 0;
  },
};

function toCells(offer: PackageOffer): string[] {
  return [
    offer.id,
    offer.installed_version ?? '-',
    offer.version,
    offer.tier ?? '-',
    offer.size_bytes === null ? '?' : formatBytes(offer.size_bytes),
    offer.missing_bytes === null ? '-' : formatBytes(offer.missing_bytes),
    [...new Set(offer.offered_by.map(({ name, way }) => (way === 'lan' ? `${name} (claims)` : name)))].join(', '),
    offer.trusted === false ? `not trusted: ${offer.note}` : (offer.note ?? ''),
  ];
}
