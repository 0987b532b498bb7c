import type { GroupSpec } from '../command.ts';
import { rulesApply } from './rules-apply.ts';
import { rulesCheck } from './rules-check.ts';
import { rulesExplain } from './rules-explain.ts';
import { rulesShow } from './rules-show.ts';

export const rules: GroupSpec = {
  usage: 'rules',
  about: 'Which models nodes get without anybody asking for each',
  examples: [
    'atmosphere rules check deployment_rules.yaml',
    'atmosphere rules apply deployment_rules.yaml',
    'atmosphere rules explain edge-5',
  ],
  children: [rulesCheck, rulesApply, rulesShow, rulesExplain],
};
