import type { CommandSpec } from '../command.ts';
import { complaintLine, readRulesFile } from '../rules-file.ts';

const INVALID = 2;

export const rulesCheck: CommandSpec = {
  usage: 'check <file>',
  about: 'Say what is wrong with a file of deployment rules, line by line; exit code 2 if there is an error',
  examples: ['atmosphere rules check deployment_rules.yaml', 'atmosphere rules check rules.yaml --json'],
  async run(context, { args: [file = ''] }) {
    const text = await readRulesFile(context, file);
    const answer = await context.call('rulesCheck', { body: { text } });
    context.out.answer(answer, () => [
      ...answer.complaints.map((complaint) => complaintLine(file, complaint)),
      ...(answer.valid ? [`${file}: ${answer.rules} ${answer.rules === 1 ? 'rule' : 'rules'}, good`] : []),
    ]);
    return answer.valid ? 0 : INVALID;
  },
};
