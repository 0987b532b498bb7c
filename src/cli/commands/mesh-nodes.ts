import type { NodeRow } from '../../api/index.ts';
import type { CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { formatAge } from '../format.ts';
import { nodeLines } from '../node-lines.ts';
import type { Column } from '../table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'NAME', shrinks: true },
  { title: 'ROLE' },
  { title: 'REGION' },
  { title: 'MACHINE' },
  { title: 'STATE' },
  { title: 'LINK' },
  { title: 'MODELS', align: 'right' },
  { title: 'STANDING' },
  { title: 'LAST SEEN' },
  { title: 'NODE ID', shrinks: true },
];

const TROUBLE: readonly string[] = ['slow', 'suspect', 'banned'];

export const meshNodes: CommandSpec = {
  usage: 'nodes [node]',
  about: 'The nodes of this mesh; one of them with everything that it says of itself',
  examples: ['atmosphere mesh nodes', 'atmosphere mesh nodes gpu-box', 'atmosphere mesh nodes --json'],
  async run(context, { args: [wanted] }) {
    if (wanted !== undefined) return showOne(context, wanted);
    const answer = await context.call('meshNodes');
    context.out.answer(answer, () => context.out.table(COLUMNS, answer.nodes.map(toCells)));
    for (const { name, standing } of answer.nodes)
      if (standing !== null && TROUBLE.includes(standing.word))
        context.out.note(`${name} is ${standing.word}: ${standing.reason}`);
    return 0;
  },
};

async function showOne(context: Context, node: string): Promise<number> {
  const { nodes } = await context.call('meshNodes', { query: { node } });
  for (const row of nodes) context.out.answer(row, () => nodeLines(row));
  return 0;
}

function toCells(node: NodeRow): string[] {
  return [
    node.this_node ? `${node.name} *` : node.name,
    node.role,
    node.capabilities?.region ?? '-',
    node.capabilities?.hardware.architecture ?? '-',
    node.state,
    node.this_node ? 'this node' : node.connected ? 'connected' : '-',
    String(node.models),
    node.standing === null || node.standing.word === 'unknown' ? '-' : node.standing.word,
    node.this_node ? 'now' : formatAge(node.last_seen, Date.now()),
    node.node_id,
  ];
}
