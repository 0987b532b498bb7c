import type { CommandSpec } from '../command.ts';
import { MODEL_COLUMNS, toModelCells } from '../model-table.ts';

export const modelList: CommandSpec<{ mesh?: boolean; available?: boolean }> = {
  usage: 'list',
  about: 'Models: on this machine, in the mesh, or elsewhere only',
  examples: [
    'atmosphere model list',
    'atmosphere model list --mesh',
    "atmosphere model list --available --json | jq -r '.models[].model_id'",
  ],
  options: [
    { flags: '--mesh', about: 'everything that some node of the mesh has' },
    { flags: '--available', about: 'only what this machine does not have yet' },
  ],
  async run(context, { options }) {
    const scope = options.available === true ? 'available' : options.mesh === true ? 'mesh' : 'local';
    const answer = await context.call('modelList', { query: { scope } });
    context.out.answer(answer, () =>
      answer.models.length === 0 ? [] : context.out.table(MODEL_COLUMNS, answer.models.map(toModelCells)),
    );
    if (answer.models.length === 0) context.out.note(EMPTY[scope]);
    return 0;
  },
};

const EMPTY = {
  local: 'no models here yet; next: atmosphere model import PATH, or atmosphere model list --mesh',
  mesh: 'no models in the mesh yet; next: atmosphere model import PATH',
  available: 'nothing in the mesh that is not here already',
} as const;
