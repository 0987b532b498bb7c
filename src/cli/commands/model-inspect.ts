import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { type ModelInspection, RemoteError } from '../../api/index.ts';
import { formatBytes } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { formatCount } from '../format.ts';
import { CLI_LIMITS } from '../limits.ts';
import { layoutPairs } from '../table.ts';

type File = ModelInspection['files'][number];

const COLORS = { dangerous: 'red', unknown: 'yellow', known: 'green' } as const;

export const modelInspect: CommandSpec = {
  usage: 'inspect <file-or-name>',
  about: 'What loading a model would run: its files by content, and what its pickles import',
  examples: [
    'atmosphere model inspect ./download.pt',
    'atmosphere model inspect factory/detector@1.4.0 --json | jq .refusals',
  ],
  async run(context, { args: [subject = ''] }) {
    const { parseModelRef } = await import('../model-ref.ts');
    const path = resolve(context.io.cwd, subject);
    const query = existsSync(path) ? { path } : parseModelRef(subject);
    const answer = await context
      .call('modelInspect', { query }, CLI_LIMITS.inspectTimeoutMs)
      .catch((thrown) => rethrow(thrown, path));
    context.out.answer(answer, () => toLines(context, answer));
    return 0;
  },
};

/** A name that nobody knows may have been meant as a file. */
function rethrow(thrown: unknown, path: string): never {
  if (!(thrown instanceof RemoteError) || thrown.code !== 'model_not_found') throw thrown;
  throw new CliError('nothing_found', `${thrown.message}; nor is there a file ${path}`, { cause: thrown });
}

function toLines(context: Context, answer: ModelInspection): string[] {
  const { model_id, version, path, type, format, quantization, refusals } = answer;
  const pairs: (readonly [string, string | null])[] = [
    ['model', model_id === null ? null : `${model_id}@${version}`],
    ['path', path],
    ['type', type],
    ['format', format],
    ['quantization', quantization],
    ['safe', answer.safe ? 'yes: nothing in it runs' : 'no'],
    ['loadable here', answer.loadable ? 'yes' : 'no'],
  ];
  return [
    ...layoutPairs(pairs.flatMap(([key, value]) => (value === null ? [] : [[key, value]]))),
    ...answer.files.flatMap((file) => toFileLines(context, file)),
    ...(refusals.length === 0 ? [] : ['', ...refusals.map(({ code, message }) => `refused (${code}): ${message}`)]),
  ];
}

function toFileLines({ out }: Context, file: File): string[] {
  const { path, kind, size_bytes, tensors, reasons, imports, faults } = file;
  const count = tensors === null ? '' : `, ${formatCount(tensors, 'tensor')}`;
  const lines = ['', `${path}: ${kind}, ${formatBytes(size_bytes)}${count}`];
  for (const { message } of reasons) lines.push(`  ${message}`);
  for (const { module, name, by, called, verdict } of imports)
    lines.push(
      `  ${out.paint(COLORS[verdict], verdict.padEnd(9))}  ${module}.${name}${called ? ', called' : ''} (${by})`,
    );
  for (const fault of faults) lines.push(`  not listed whole: ${fault}`);
  return lines;
}
