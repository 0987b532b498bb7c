import type { CommandSpec } from '../command.ts';
import type { DeployOptions } from '../deploy-model.ts';
import { TARGET_FLAGS } from '../order-flags.ts';
import { parsePriority } from '../parse-values.ts';
import { parseNodeTimeout, parseShare, parseSoak, parseWaves } from '../rollout-flags.ts';

export const modelDeploy: CommandSpec<DeployOptions> = {
  usage: 'deploy [name]',
  about: 'Give a version to nodes: at once, in waves that stop when too many fail, or by rules',
  endsWithEvent: true,
  examples: [
    'atmosphere model deploy org/detector@2.0.0 --all',
    'atmosphere model deploy org/detector --role edge --strategy canary --watch',
    'atmosphere model deploy org/detector --all --strategy canary --waves 1,10%,50%,100% --max-failures 5% --soak 10m',
    'atmosphere model deploy --rule deployment_rules.yaml',
  ],
  options: [
    ...TARGET_FLAGS,
    {
      flags: '--strategy <strategy>',
      about: 'all at once (the default), or canary: in waves, which --waves and --soak mean too',
      choices: ['all', 'canary'],
    },
    {
      flags: '--waves <list>',
      about: 'how many nodes have it after each wave (default: 1,10%,50%,100%); the last is always all',
      parse: parseWaves,
    },
    { flags: '--max-failures <share>', about: 'above it everybody goes back (default: 5%)', parse: parseShare },
    {
      flags: '--soak <time>',
      about: 'how long a wave has to stay well before the next (default: 10m)',
      parse: parseSoak,
    },
    {
      flags: '--node-timeout <time>',
      about: 'a node silent for so long has failed (default: 10m)',
      parse: parseNodeTimeout,
    },
    { flags: '--probe', about: 'the model is loaded and has to answer (the default)' },
    { flags: '--no-probe', about: 'verified bytes are enough' },
    { flags: '--priority <1-5>', about: '1 is first (default: 3)', parse: parsePriority },
    { flags: '--rule <file>', about: 'apply these rules to the mesh instead' },
    { flags: '-w, --watch', about: 'follow it to the end' },
  ],
  async run(context, { args: [name], options }) {
    return (await import('../deploy-model.ts')).deployModel(context, name, options);
  },
};
