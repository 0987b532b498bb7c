/** Why an order is for nobody, with what there is instead. Pure. */
import type { NodeFacts } from '../../deploy/index.ts';
import type { Target } from '../../protocol/index.ts';
import { nearestNames } from './nearest-names.ts';

type Place = Pick<NodeFacts, 'region' | 'labels'>;

export function nobodyMeant({ roles, regions, labels }: Target, nodes: readonly Place[]): string {
  const known = nodes.flatMap(({ region }) => (region === undefined ? [] : [region]));
  const lacking = regions.length > 0 && !regions.some((region) => known.includes(region));
  if (lacking) return `no node is in ${regions.join(' or ')}${instead(regions[0] ?? '', known)}`;
  const said = nodes.flatMap((node) => Object.entries(node.labels).map(([key, value]) => `${key}=${value}`));
  const wanted = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const missing = wanted.find((label) => !said.includes(label));
  if (missing !== undefined) return `no node has the label ${missing}${instead(missing, said)}`;
  const all = [...roles.map((role) => `role ${role}`), ...regions.map((region) => `region ${region}`), ...wanted];
  return `no node is all of it: ${all.join(', ')}`;
}

function instead(wanted: string, known: readonly string[]): string {
  return known.length === 0 ? ', and none has said any' : `; ${nearestNames(wanted, known)}`;
}
