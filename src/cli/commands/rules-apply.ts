import type { CommandSpec } from '../command.ts';
import { applyRules } from '../rules-file.ts';

export const rulesApply: CommandSpec = {
  usage: 'apply <file>',
  about: 'Give the mesh these rules, signed by this node, an admin’s; they take the place of those before',
  examples: ['atmosphere rules apply deployment_rules.yaml'],
  run: (context, { args: [file = ''] }) => applyRules(context, file),
};
