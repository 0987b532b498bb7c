/** Why a node will have what, as people read it. Pure. */
import type { ExplainedModel, ExplainedNode } from '../api/index.ts';

export function explainLines({ node_name: node, role, models, passed }: ExplainedNode): string[] {
  const head = `${node} (${role})`;
  const none = models.length === 0 ? [`  nothing is ordered, and no rule means any model here`] : [];
  const rest = passed.map(({ because, why }) => `  ${sourceOf(because)}: ${why}`);
  return [head, ...none, ...models.flatMap(modelLines), ...(rest.length === 0 ? [] : ['not for this node:', ...rest])];
}

function modelLines(model: ExplainedModel): string[] {
  const lines = model.standings.map(({ because, version, presence, standing, why }) => {
    const what = presence === 'absent' ? 'remove' : (version ?? '-');
    return `    ${MARKS[standing]} ${sourceOf(because)}: ${what}${standing === 'wins' && model.refused.length === 0 ? '' : ` – ${why}`}`;
  });
  return [`  ${model.model_id}  ${outcomeOf(model)}`, ...lines];
}

const MARKS: Readonly<Record<ExplainedModel['standings'][number]['standing'], string>> = {
  wins: '*',
  loses: '-',
  refused: 'x',
  passes: ' ',
};

function outcomeOf({ outcome, version, refused }: ExplainedModel): string {
  if (outcome === 'have') return `should be ${version}`;
  if (outcome === 'lose') return 'should go';
  if (outcome === 'as_is') return 'stays as it is';
  return `should be ${version}, but cannot: ${refused.map(({ message }) => message).join('; ')}`;
}

function sourceOf({ kind, id, author_name: author }: ExplainedModel['standings'][number]['because']): string {
  const name = id === '' ? kind : `${kind} ${id}`;
  return author === null ? name : `${name} of ${author}`;
}
