import type { ModelInfo } from '../../api/index.ts';
import { formatBytes } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { formatDigest, formatParameters } from '../format.ts';
import { MODEL_COLUMNS, toModelCells } from '../model-table.ts';
import { layoutPairs } from '../table.ts';

interface InfoOptions {
  readonly versions?: boolean;
  readonly nodes?: boolean;
}

export const modelInfo: CommandSpec<InfoOptions> = {
  usage: 'info <name>',
  about: 'One model: what it is, its versions, who has it',
  examples: [
    'atmosphere model info org/llama3',
    'atmosphere model info org/llama3@">=1.2 <2" --versions',
    'atmosphere model info sha256:9f86d081884c --nodes',
  ],
  options: [
    { flags: '--versions', about: 'list every version and variant' },
    { flags: '--nodes', about: 'list the nodes that have it' },
  ],
  async run(context, { args: [name = ''], options }) {
    const { parseModelRef } = await import('../model-ref.ts');
    const info = await context.call('modelInfo', { query: parseModelRef(name) });
    context.out.answer(info, () => toLines(context, info, options));
    return 0;
  },
};

function toLines(context: Context, info: ModelInfo, { versions, nodes }: InfoOptions): string[] {
  const lines: string[] = [];
  if (versions === true) lines.push(...toVersionLines(context, info));
  if (nodes === true) lines.push(...toNodeLines(context, info));
  return lines.length > 0 ? lines : [...layoutPairs(describe(info)), ...toFileLines(context, info)];
}

/** Newest first, with since when it is known here and whether anybody should begin with it. */
function toVersionLines({ out }: Context, { versions }: ModelInfo): string[] {
  const columns = [...MODEL_COLUMNS, { title: 'FIRST SEEN' }, { title: 'DEPRECATED' }];
  const rows = versions.map((row) => [
    ...toModelCells(row),
    row.first_seen?.slice(0, 16).replace('T', ' ') ?? '-',
    row.deprecated ? (row.deprecated_reason ?? 'yes') : '-',
  ]);
  return out.table(columns, rows);
}

function toNodeLines({ out }: Context, { holders }: ModelInfo): string[] {
  const columns = [{ title: 'NODE', shrinks: true }, { title: 'STATE' }, { title: 'NODE ID', shrinks: true }];
  const rows = holders.map(({ name, online, this_node, node_id }) => [
    name,
    this_node ? 'this node' : online ? 'online' : 'offline',
    node_id,
  ]);
  return out.table(columns, rows);
}

function describe(info: ModelInfo): [string, string][] {
  const pairs: (readonly [string, string | undefined])[] = [
    ['model', info.model_id],
    ['name', info.name],
    ['version', info.version],
    ['type', info.type],
    ['format', `${info.format}${info.unsafe ? ' (unsafe: loading it runs code)' : ''}`],
    ['quantization', info.quantization],
    ['parameters', formatParameters(info.params_billions)],
    ['context', info.context_length?.toString()],
    ['capabilities', info.capabilities.join(', ') || undefined],
    ['size', `${formatBytes(info.size_bytes)} (${info.size_bytes} bytes)`],
    ['sha256', info.sha256 ?? 'not read yet'],
    ['state', `${info.state}${info.public ? ', public' : ''}`],
    ['source', [info.source, info.source_ref].filter(Boolean).join(' ')],
    ['path', info.path ?? undefined],
    ['on', info.nodes.join(', ') || undefined],
    ['versions', String(info.versions.length)],
    ['problem', info.problem],
  ];
  return pairs.flatMap(([key, value]) => (value === undefined ? [] : [[key, value]]));
}

function toFileLines({ out }: Context, { files }: ModelInfo): string[] {
  if (files.length < 2) return [];
  const columns = [{ title: 'FILE', shrinks: true }, { title: 'SIZE', align: 'right' as const }, { title: 'SHA-256' }];
  const rows = files.map(({ path, size_bytes, sha256 }) => [path, formatBytes(size_bytes), formatDigest(sha256)]);
  return ['', ...out.table(columns, rows)];
}
