import { CONSENT_MODES } from '../../api/index.ts';
import type { CommandSpec, GroupSpec } from '../command.ts';
import { showConsents } from '../consent-lines.ts';
import { CliError } from '../errors.ts';

const list: CommandSpec = {
  usage: 'list',
  about: 'Whom you agreed to take models from',
  examples: ['atmosphere consent list', 'atmosphere consent list --json'],
  async run(context) {
    showConsents(context, await context.call('consent'));
    return 0;
  },
};

const add: CommandSpec = {
  usage: 'add <source>',
  about: 'Agree to a source: a node by name or id, or the URL of a mirror',
  examples: ['atmosphere consent add gpu-box', 'atmosphere consent add https://models.example'],
  async run(context, { args: [source = ''] }) {
    showConsents(context, await context.call('consentAdd', { body: { source } }));
    return 0;
  },
};

const remove: CommandSpec = {
  usage: 'remove <source>',
  about: 'Agree to a source no more; what came from it stays',
  examples: ['atmosphere consent remove gpu-box'],
  async run(context, { args: [source = ''] }) {
    showConsents(context, await context.call('consentRemove', { body: { source } }));
    return 0;
  },
};

const mode: CommandSpec = {
  usage: 'mode <mode>',
  about: 'Who has to be agreed to: members (nobody of the mesh), ask (everybody), all (nobody)',
  examples: ['atmosphere consent mode ask', 'atmosphere consent mode members'],
  async run(context, { args: [wanted = ''] }) {
    const chosen = CONSENT_MODES.find((known) => known === wanted);
    if (chosen === undefined) throw new CliError('bad_usage', `Wanted one of ${CONSENT_MODES.join(', ')}`);
    showConsents(context, await context.call('consentMode', { body: { mode: chosen } }));
    return 0;
  },
};

export const consent: GroupSpec = {
  usage: 'consent',
  about: 'Whom this node takes models from',
  examples: ['atmosphere consent list', 'atmosphere consent mode ask', 'atmosphere consent add gpu-box'],
  children: [list, add, remove, mode],
};
