import { resolve } from 'node:path';
import type { ModelRow } from '../../api/index.ts';
import { formatBytes } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';
import { formatDigest } from '../format.ts';

interface ImportOptions {
  readonly name?: string;
  readonly version?: string;
  readonly type?: string;
  readonly capability?: readonly string[];
}

export const modelImport: CommandSpec<ImportOptions> = {
  usage: 'import <path>',
  about: 'Take a file or folder as a model, where it lies, without copying it',
  examples: [
    'atmosphere model import ./llama-3-8b-q4.gguf',
    'atmosphere model import ./detector --name factory/detector --version 1.4.0 --type vision',
    'atmosphere model import ./m.onnx --json | jq -r .sha256',
  ],
  options: [
    { flags: '--name <id>', about: 'model id, like org/name (default: from the file)' },
    { flags: '--version <version>', about: 'its version' },
    { flags: '--type <type>', about: 'llm, vision, audio, embedding, …' },
    { flags: '--capability <word>', about: 'what it can do; may be repeated', repeats: true },
  ],
  async run(context, { args: [path = ''], options }) {
    const [{ followWork }, { EXIT_CODES }] = await Promise.all([
      import('../follow-work.ts'),
      import('../../api/index.ts'),
    ]);
    const absolute = resolve(context.io.cwd, path);
    const { name, version, type, capability: capabilities } = options;
    const body = { path: absolute, name, version, type, capabilities: capabilities && [...capabilities] };
    const client = await context.connect();
    const events = client.stream('modelImport', { body }, context.signal);
    const { models } = await followWork(context, events, { label: 'reading', echo: false });
    const [first] = models;
    if (first === undefined) throw new CliError('nothing_found', `Importing ${absolute}: no model in it`);
    context.out.answer(models.length === 1 ? first : { contract: 1, models }, () => models.map(toLine));
    return models.some(isDamaged) ? EXIT_CODES.integrity : 0;
  },
};

function isDamaged({ state }: ModelRow): boolean {
  return state === 'damaged';
}

function toLine(row: ModelRow): string {
  if (isDamaged(row)) return `damaged  ${row.model_id}@${row.version}  listed, and never offered to others`;
  const unsafe = row.unsafe ? '  unsafe: loading it runs code' : '';
  return `imported ${row.model_id}@${row.version}  ${row.type}  ${row.format}  ${formatBytes(row.size_bytes)}  sha256 ${formatDigest(row.sha256)}${unsafe}`;
}
