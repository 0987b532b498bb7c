import { resolve } from 'node:path';
import type { ModelRow, WorkEvent } from '../../api/index.ts';
import { formatBytes } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';
import type { Context } from '../context.ts';
import { CliError } from '../errors.ts';
import { formatDigest } from '../format.ts';
import { parseWords } from '../parse-values.ts';

interface ImportOptions {
  readonly name?: string;
  readonly version?: string;
  readonly type?: string;
  readonly capability?: readonly string[];
  readonly capabilities?: readonly string[];
  readonly llamafarm?: boolean;
  readonly dir?: string;
  readonly manifest?: string | false;
}

export const modelImport: CommandSpec<ImportOptions> = {
  usage: 'import [path]',
  about: 'Take a file or folder as a model, where it lies, without copying it',
  examples: [
    'atmosphere model import ./llama-3-8b-q4.gguf',
    'atmosphere model import ./detector --name factory/detector --version 1.4.0 --type vision',
    'atmosphere model import ./m.onnx --json | jq -r .sha256',
    'atmosphere model import --llamafarm --type anomaly',
    'atmosphere model import ./detector.onnx --manifest model-manifest.yaml',
  ],
  options: [
    { flags: '--name <id>', about: 'model id, like org/name (default: from the file)' },
    { flags: '--version <version>', about: 'its version' },
    { flags: '--type <type>', about: 'llm, vision, anomaly_detector, …; with --llamafarm: of that folder alone' },
    { flags: '--capability <word>', about: 'what it can do; may be repeated', repeats: true },
    { flags: '--capabilities <words>', about: 'the same, with commas between', parse: parseWords },
    { flags: '--llamafarm', about: 'take all that LlamaFarm has trained, instead of a path' },
    { flags: '--dir <dir>', about: 'where it keeps its models (default: ~/.llamafarm/models)' },
    { flags: '--manifest <file>', about: 'describe it by this manifest (default: model-manifest.yaml beside it)' },
    { flags: '--no-manifest', about: 'look for none' },
  ],
  async run(context, { args: [path = ''], options }) {
    const [{ followWork }, { EXIT_CODES }] = await Promise.all([
      import('../follow-work.ts'),
      import('../../api/index.ts'),
    ]);
    const events = await (options.llamafarm === true
      ? beginTrained(context, path, options)
      : begin(context, path, options));
    const { models } = await followWork(context, events, { label: 'reading', echo: false });
    const [first] = models;
    if (first === undefined)
      throw new CliError('nothing_found', `Importing ${path || 'what was trained'}: no model in it`);
    const isOne = models.length === 1 && options.llamafarm !== true;
    context.out.answer(isOne ? first : { contract: 1, models }, () => models.map(toLine));
    return models.some(isDamaged) ? EXIT_CODES.integrity : 0;
  },
};

async function begin(context: Context, path: string, options: ImportOptions): Promise<AsyncIterable<WorkEvent>> {
  if (path === '')
    throw new CliError('bad_usage', 'Importing a model: wanted its path, or --llamafarm', {
      data: { try: 'atmosphere model import --help' },
    });
  const { toImported } = await import('../manifest-file.ts');
  const { name, version, type, manifest } = options;
  const imported = await toImported(context, resolve(context.io.cwd, path), manifest);
  const words = [...(options.capability ?? []), ...(options.capabilities ?? [])];
  const body = { ...imported, name, version, type, capabilities: words.length === 0 ? undefined : words };
  return (await context.connect()).stream('modelImport', { body }, context.signal);
}

/** All that is there: what names or describes one model has no place here. */
async function beginTrained(context: Context, path: string, options: ImportOptions): Promise<AsyncIterable<WorkEvent>> {
  const { name, version, type, dir, manifest } = options;
  if (path !== '' || name !== undefined || version !== undefined || typeof manifest === 'string')
    throw new CliError(
      'bad_usage',
      'Importing from LlamaFarm: a path, --name, --version and --manifest are for one model',
    );
  const body = { ...(dir && { dir: resolve(context.io.cwd, dir) }), ...(type && { type }) };
  return (await context.connect()).stream('modelImportTrained', { body }, context.signal);
}

function isDamaged({ state }: ModelRow): boolean {
  return state === 'damaged';
}

function toLine(row: ModelRow): string {
  if (isDamaged(row)) return `damaged  ${row.model_id}@${row.version}  listed, and never offered to others`;
  const unsafe = row.unsafe ? '  unsafe: loading it runs code' : '';
  return `imported ${row.model_id}@${row.version}  ${row.type}  ${row.format}  ${formatBytes(row.size_bytes)}  sha256 ${formatDigest(row.sha256)}${unsafe}`;
}
