/** A file of deployment rules: read, and what the daemon has against it, in the form that editors jump to. */
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { RuleComplaintRow } from '../api/index.ts';
import { systemCodeOf } from '../core/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { CLI_LIMITS } from './limits.ts';

/** Throws CliError `bad_usage`, `home_unusable`. */
export async function readRulesFile(context: Context, file: string): Promise<string> {
  const path = resolve(context.io.cwd, file);
  try {
    const handle = await open(path);
    try {
      const buffer = Buffer.alloc(CLI_LIMITS.rulesBytes + 1);
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0);
      if (bytesRead <= CLI_LIMITS.rulesBytes) return buffer.toString('utf8', 0, bytesRead);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new CliError('bad_usage', `Reading ${file}: ${whyNot(systemCodeOf(cause))}, wanted a file of rules`, {
      cause,
      data: { try: 'atmosphere rules check --help' },
    });
  }
  throw new CliError('bad_usage', `Reading ${file}: wanted at most ${CLI_LIMITS.rulesBytes} bytes`);
}

function whyNot(code = 'unreadable'): string {
  if (code === 'ENOENT') return 'there is no such file';
  return code === 'EISDIR' ? 'it is a folder' : code;
}

/** `rules.yaml:4:9: error: …`. */
export function complaintLine(file: string, { line, column, severity, message, path }: RuleComplaintRow): string {
  const where = path === '' ? '' : ` (${path})`;
  return `${file}:${line}:${column}: ${severity}: ${message}${where}`;
}

/** Checks first, so that every mistake is told; then gives them to the mesh. Throws CliError `bad_rules`. */
export async function applyRules(context: Context, file: string): Promise<number> {
  const text = await readRulesFile(context, file);
  const checked = await context.call('rulesCheck', { body: { text } });
  for (const complaint of checked.complaints) context.out.warn(complaintLine(file, complaint));
  if (!checked.valid)
    throw new CliError('bad_rules', `Applying ${file}: it has mistakes, and nothing was changed`, {
      data: { try: `atmosphere rules check ${file}` },
    });
  const answer = await context.call('rulesApply', { body: { text } });
  const before = answer.replaced === 0 ? '' : `, in the place of ${answer.replaced}`;
  context.out.answer(answer, () => [
    `the mesh has ${answer.rules} ${answer.rules === 1 ? 'rule' : 'rules'} now${before}`,
  ]);
  context.out.note('to see what comes of them: atmosphere rules explain NODE');
  return 0;
}
