/** Signature bundles: written here, checked by the daemon, which has the model and the members' keys. 20-access §8. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EXIT_CODES } from '../api/index.ts';
import { messageOf } from '../core/index.ts';
import type { Context } from './context.ts';
import { CliError } from './errors.ts';
import { formatCount } from './format.ts';
import { parseModelRef } from './model-ref.ts';

export async function signModel(context: Context, name: string, file: string): Promise<number> {
  const { bundle, public_key, ...answer } = await context.call('bundleMake', { body: parseModelRef(name) });
  const path = resolve(context.io.cwd, file);
  await writeFile(path, `${bundle}\n`, { flag: 'wx' }).catch((cause: unknown) => {
    throw new CliError('home_unusable', `Writing ${path}: ${messageOf(cause)}`, { cause });
  });
  context.out.answer({ ...answer, public_key, path }, () => [
    `signed ${answer.model_id}@${answer.version}: ${formatCount(answer.files, 'file')}, by ${answer.signer}`,
    `  ${path}`,
    ...public_key.trimEnd().split('\n'),
  ]);
  return 0;
}

export async function verifyBundle(
  context: Context,
  name: string,
  { bundle, key }: { readonly bundle: string; readonly key?: string | undefined },
): Promise<number> {
  const { cwd } = context.io;
  const paths = { bundle: resolve(cwd, bundle), ...(key === undefined ? {} : { key: resolve(cwd, key) }) };
  const answer = await context.call('bundleVerify', { body: { ...parseModelRef(name), ...paths } });
  const { signer } = answer;
  const who = signer === null ? `the key of ${key ?? 'nobody known'}` : `${signer.name}, ${signer.role}`;
  context.out.answer(answer, () => [
    `${answer.ok ? 'verified' : 'not as it was signed'}  ${answer.model_id}@${answer.version}: ${formatCount(answer.files, 'file')}, signed by ${who}`,
    ...answer.differences.map(({ path, what }) => `  ${path}: ${WORDS[what]}`),
  ]);
  if (signer?.may_write === false)
    context.out.warn(`the role ${signer.role} may not write this model: its signature makes no manifest`);
  return answer.ok ? 0 : EXIT_CODES.integrity;
}

const WORDS = { missing: 'signed, and not here', not_signed: 'here, and not signed', changed: 'not as it was signed' };
