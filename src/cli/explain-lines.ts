/** Why a node will have what, as people read it. Pure. */
import type { ExplainedModel, ExplainedNode } from '../api/index.ts';
import { formatCount, shortenIds } from './format.ts';

export function explainLines({ node_name: node, role, models, passed }: ExplainedNode, asked?: string): string[] {
  const head = `${node} (${role})`;
  const none = models.length === 0 ? [`  nothing is ordered, and no rule means ${asked ?? 'any model'} here`] : [];
  const rest = passed.map(({ because, why }) => `  ${sourceOf(because)}: ${why}`);
  const passing = rest.length === 0 ? [] : ['not for this node:', ...rest];
  return [head, ...none, ...models.flatMap(modelLines), ...passing].map(shortenIds);
}

/** What the marks before the lines mean; for those who see any. */
export const EXPLAIN_LEGEND = '* wins, - loses, x has no right to say so; the strongest first';

function modelLines(model: ExplainedModel): string[] {
  const told = model.standings.filter((one) => !isForOthers(one));
  const others = model.standings.length - told.length;
  const isSaid = told.length > 0 && others > 0;
  return [
    `  ${model.model_id}  ${outcomeOf(model)}`,
    ...told.map((one) => standingLine(one, model)),
    ...(others === 0 ? [] : [`      ${formatCount(others, isSaid ? 'more order' : 'order')} for other nodes`]),
  ];
}

type Standing = ExplainedModel['standings'][number];

function standingLine({ because, version, presence, standing, why }: Standing, { refused }: ExplainedModel): string {
  const what = presence === 'absent' ? 'remove' : version;
  const reason = standing === 'wins' && refused.length === 0 ? undefined : why;
  const words = [what, reason].filter((word) => word !== null && word !== undefined).join(' – ');
  return `    ${MARKS[standing]} ${sourceOf(because)}: ${words}`;
}

/** In a fleet most orders are, and they explain nothing; `--json` has them. */
function isForOthers({ because, standing, why }: Standing): boolean {
  return standing === 'passes' && because.kind !== 'rule' && why === 'it is for other nodes';
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
