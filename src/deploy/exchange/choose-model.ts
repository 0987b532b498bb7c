/**
 * Which model does somebody mean who says what it should be able to do? Pure. Spec: docs/spec/17-deployment.md §7.
 */
import { compareText, type Sha256 } from '../../core/index.ts';
import { compareVersions, isCalled, isInRange } from '../../protocol/index.ts';
import type { Fit } from '../types.ts';

export interface Criteria {
  /** A model id, or the last part of one. */
  readonly name?: string | undefined;
  /** A range; what is deprecated counts only where the range is its very version. */
  readonly version?: string | undefined;
  /** All of them. */
  readonly capabilities: readonly string[];
  readonly maxSizeBytes?: number | undefined;
}

export interface ModelOnOffer {
  readonly modelId: string;
  readonly version: string;
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly capabilities: readonly string[];
}

export interface ChoiceContext<Model extends ModelOnOffer> {
  isDeprecated(model: Model): boolean;
  fitOf(model: Model): Fit;
}

const LEAST_BEGINNING = 3;

/** Does it meet what is asked for, whoever has it? Throws ProtocolError `invalid_range`. */
export function meets(model: ModelOnOffer, { name, version, capabilities, maxSizeBytes }: Criteria): boolean {
  if (name !== undefined && !isCalled(model.modelId, name)) return false;
  if (maxSizeBytes !== undefined && model.sizeBytes > maxSizeBytes) return false;
  if (!capabilities.every((wanted) => isAble(model, wanted))) return false;
  return isVersionMeant(model.version, version);
}

/** By the whole word, or its beginning: `anomaly` is said for `anomaly_detection`. */
function isAble({ capabilities }: ModelOnOffer, wanted: string): boolean {
  const isBeginning = wanted.length >= LEAST_BEGINNING;
  return capabilities.some((word) => word === wanted || (isBeginning && word.startsWith(wanted)));
}

/** `latest` and nothing mean every version: which is the newest is decided among all that meet the rest. */
function isVersionMeant(version: string, range: string | undefined): boolean {
  return range === undefined || range === 'latest' || version === range || isInRange(version, range);
}

/** What fits before what fits with drawbacks, then the newest version, then the smallest, then by id and digest. */
export function chooseModel<Model extends ModelOnOffer>(
  models: readonly Model[],
  criteria: Criteria,
  context: ChoiceContext<Model>,
): Model | undefined {
  const ranked = models.flatMap((model) => {
    if (!meets(model, criteria) || (context.isDeprecated(model) && model.version !== criteria.version)) return [];
    const { fit } = context.fitOf(model);
    return fit === 'no' ? [] : [{ model, rank: fit === 'yes' ? 0 : 1 }];
  });
  ranked.sort((a, b) => a.rank - b.rank || compareModels(a.model, b.model));
  return ranked[0]?.model;
}

function compareModels(a: ModelOnOffer, b: ModelOnOffer): number {
  return (
    compareVersions(b.version, a.version) ||
    a.sizeBytes - b.sizeBytes ||
    compareText(a.modelId, b.modelId) ||
    compareText(a.sha256, b.sha256)
  );
}
