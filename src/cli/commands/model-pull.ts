import type { CommandSpec } from '../command.ts';
import { parseDurationWithin, parseSizeBytes, parseWords } from '../parse-values.ts';
import { PRIORITY_WORDS } from '../priority-words.ts';
import type { PullOptions } from '../pull-model.ts';

export const modelPull: CommandSpec<PullOptions> = {
  usage: 'pull [name]',
  about: 'Get a model from the mesh, verified; NAME[@VERSION or RANGE], sha256:…, or by what it can do',
  examples: [
    'atmosphere model pull org/llama3',
    'atmosphere model pull org/detector@">=1.2 <2" --from gpu-box',
    'atmosphere model pull org/llama3 --priority low --detach',
    'atmosphere model pull org/llama3@2.0 --difference',
    'atmosphere model pull sha256:9f86d081884c --json',
    'atmosphere model pull --capabilities anomaly_detection --version ">=1.2" --max-size 500MB',
  ],
  options: [
    {
      flags: '--capabilities <words>',
      about: 'the newest that can do all of these and fits this machine, like vision,tracking',
      parse: parseWords,
    },
    { flags: '--version <range>', about: 'of that version or range' },
    { flags: '--max-size <size>', about: 'and no larger than this', parse: parseSizeBytes },
    {
      flags: '--wait <time>',
      about: 'ask the mesh for so long when nothing known fits (default: 10s)',
      parse: parseDurationWithin(0, 300, 'a time up to 5m'),
    },
    { flags: '--from <node>', about: 'ask this node first, by name or node id' },
    {
      flags: '--priority <priority>',
      about: 'before others, or behind (default: normal)',
      choices: PRIORITY_WORDS,
    },
    { flags: '--difference', about: 'only what differs from an older version that is here, however fast the network' },
    { flags: '--no-difference', about: 'whole files (default: a difference where it is sooner)' },
    { flags: '--yes', about: 'agree to its sources, from now on (see `atmosphere consent`)' },
    { flags: '-d, --detach', about: 'leave it to the daemon once it has begun' },
  ],
  async run(context, { args: [name = ''], options }) {
    return (await import('../pull-model.ts')).pullModel(context, name, options);
  },
};
