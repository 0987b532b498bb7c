import type { DeploymentRow } from '../../api/index.ts';
import type { CommandSpec } from '../command.ts';
import { formatCount, shortenIds } from '../format.ts';
import type { Column } from '../table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'MODEL', shrinks: true },
  { title: 'NODE', shrinks: true },
  { title: 'VERSION' },
  { title: 'STATUS' },
  { title: 'WHY', shrinks: true },
  { title: 'ERROR', shrinks: true },
];

export const modelStatus: CommandSpec = {
  usage: 'status [name]',
  about: 'How deployed models are on every node: version, status, why, and what failed',
  examples: ['atmosphere model status', 'atmosphere model status acme/detector --json'],
  async run(context, { args: [id] }) {
    const query = id === undefined ? {} : { id };
    const answer = await context.call('deployments', { query });
    context.out.answer(answer, () => [
      ...(answer.deployments.length === 0 ? [] : context.out.table(COLUMNS, answer.deployments.map(toCells))),
      sumUp(answer.deployment_metrics),
    ]);
    if (answer.deployments.length === 0)
      context.out.note(`no node tells of ${id ?? 'any model'}; to begin: atmosphere model push ${id ?? 'NAME'} NODE`);
    if (answer.deployments.some(({ status }) => status === 'Failed'))
      context.out.note('more: atmosphere rules explain NODE, and on that node: atmosphere audit --event refusal');
    for (const { node_name, model_id, error_code, error } of answer.deployments)
      if (error_code === 'rollback_failed') context.out.warn(`${node_name}: ${model_id}: ${error}`);
    return 0;
  },
};

function toCells(row: DeploymentRow): string[] {
  const name = row.this_node ? `${row.node_name} *` : row.online ? row.node_name : `${row.node_name} (away)`;
  const isMoving = row.status === 'Downloading' && row.download_progress < 1;
  const status = isMoving ? `${row.status} ${Math.round(row.download_progress * 100)}%` : row.status;
  const error = row.error === null ? '' : `${row.error_code}: ${row.error}`;
  return [row.model_id, name, row.version, status, whyOf(row.because), error];
}

/** `command 5556da4e`, as `rules explain` names it too. */
function whyOf(because: string | null): string {
  return shortenIds((because ?? '').replace(':', ' '));
}

interface Totals {
  readonly total_models: number;
  readonly total_deployments: number;
  readonly pending_transfers: number;
  readonly failed_transfers_24h: number;
}

function sumUp({ total_models, total_deployments, pending_transfers, failed_transfers_24h }: Totals): string {
  const what = `${formatCount(total_models, 'model')} in ${formatCount(total_deployments, 'deployment')}`;
  return `${what}, ${pending_transfers} under way, ${failed_transfers_24h} failed within 24 h`;
}
