import type { InstalledPackageRow } from '../../api/index.ts';
import { formatBytes } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';
import { formatCount } from '../format.ts';
import type { Column } from '../table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'PACKAGE', shrinks: true },
  { title: 'VERSION' },
  { title: 'TIER' },
  { title: 'SIZE', align: 'right' },
  { title: 'STATE' },
  { title: 'BEFORE' },
  { title: 'MODELS', align: 'right' },
  { title: 'AGENTS' },
  { title: 'SIGNED BY', shrinks: true },
];

export const packageList: CommandSpec = {
  usage: 'list',
  about: 'Packages that are installed here, how their agents are, and packages that wait for parts',
  examples: ['atmosphere package list', 'atmosphere package list --json'],
  async run(context) {
    const { out } = context;
    const answer = await context.call('packageList');
    const { packages, waiting } = answer;
    out.answer(answer, () => (packages.length === 0 ? [] : out.table(COLUMNS, packages.map(toCells))));
    if (packages.length === 0) out.note('no packages; to install one: atmosphere package import FILE');
    for (const { id, notes } of packages) for (const note of notes) out.note(`${id} ${note}`);
    for (const { name, parts, missing_parts, missing_bytes } of waiting)
      out.note(
        `${name} waits for ${missing_parts.length} of ${formatCount(parts, 'part')}, ${formatBytes(missing_bytes)}: ${missing_parts.slice(0, 8).join(', ')}`,
      );
    return 0;
  },
};

function toCells(row: InstalledPackageRow): string[] {
  const running = row.agents.filter(({ state }) => state === 'running').length;
  return [
    ...[row.id, row.version, row.tier ?? '-', formatBytes(row.size_bytes), row.state, row.previous_version ?? '-'],
    ...[String(row.models), row.agents.length === 0 ? '-' : `${running} of ${row.agents.length} run`],
    row.signer === row.mesh_id ? `mesh ${row.mesh_id.slice(0, 17)}…` : row.signer,
  ];
}
