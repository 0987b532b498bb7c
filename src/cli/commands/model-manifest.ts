import { resolve } from 'node:path';
import type { ManifestAnswer } from '../../api/index.ts';
import type { ManifestVocabulary } from '../../protocol/index.ts';
import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';

export interface ManifestOptions {
  readonly format?: ManifestVocabulary;
  readonly yaml?: boolean;
  readonly edit?: boolean;
  readonly set?: string;
  readonly whole?: boolean;
  readonly publish?: boolean;
  readonly withdraw?: boolean;
}

const ACTS = ['edit', 'set', 'publish', 'withdraw'] as const;

export const modelManifest: CommandSpec<ManifestOptions> = {
  usage: 'manifest <name>',
  about: 'What a model is, asks of a node, and where it should be: show, edit, publish',
  examples: [
    'atmosphere model manifest org/detector',
    'atmosphere model manifest org/detector --edit',
    'atmosphere model manifest org/detector --format seed1 > model-manifest.yaml',
    'atmosphere model manifest org/detector --set model-manifest.yaml',
    'atmosphere model manifest org/detector@1.2 --withdraw',
  ],
  options: [
    {
      flags: '--format <vocabulary>',
      about: 'write it in this vocabulary (default: atmosphere); any is read',
      choices: ['atmosphere', 'seed1', 'seed3'],
    },
    { flags: '--yaml', about: 'as YAML, which is the default; --json is the other' },
    { flags: '--edit', about: 'open it in $VISUAL or $EDITOR' },
    { flags: '--set <file>', about: 'describe the model by this file; what it leaves out stays as it was found' },
    { flags: '--whole', about: 'with --set: what the file leaves out is not to be' },
    { flags: '--publish', about: 'sign it and tell the mesh, though the model only lies in a cache' },
    { flags: '--withdraw', about: 'take it back: nothing is deployed by it any more' },
  ],
  async run(context, { args: [name = ''], options }) {
    const acts = ACTS.filter((act) => options[act] !== undefined && options[act] !== false);
    if (acts.length > 1 || (options.whole === true && options.set === undefined))
      throw new CliError(
        'bad_usage',
        `Reading the flags: ${acts.length > 1 ? acts.map((act) => `--${act}`).join(' and ') : '--whole goes with --set alone'}`,
        {
          data: { try: 'atmosphere model manifest --help' },
        },
      );
    const { parseModelRef } = await import('../model-ref.ts');
    const { answerManifest, changeByEditor, changeByFile } = await import('../change-manifest.ts');
    const ref = parseModelRef(name);
    let answer: ManifestAnswer;
    if (options.edit === true) answer = await changeByEditor(context, ref, name, options.format);
    else if (options.set !== undefined)
      answer = await changeByFile(context, ref, resolve(context.io.cwd, options.set), options.whole !== true);
    else if (options.publish === true || options.withdraw === true)
      answer = await context.call('modelPublish', { body: { ...ref, withdrawn: options.withdraw === true } });
    else answer = await context.call('modelManifest', { query: ref });
    answerManifest(context, answer, options.format ?? 'atmosphere');
    return 0;
  },
};
