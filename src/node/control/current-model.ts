/** Which model is meant by somebody who begins with it: pulls it, or orders it somewhere. Spec: docs/spec/09-registry.md §9.4. */
import type { ModelManifest } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { type KnownModel, resolveModel } from '../model-view.ts';
import type { NodeParts } from './parts.ts';

interface Meant {
  readonly id: string;
  readonly range?: string | undefined;
}

/**
 * A version that nobody should begin with is taken when it is named, or its content is, and by no range. Throws as `resolveModel`,
 * and NodeError `only_deprecated` where there is nothing else.
 */
export function resolveCurrent(
  { deprecations }: Pick<NodeParts, 'deprecations'>,
  models: readonly KnownModel[],
  { id, range = 'latest' }: Meant,
): KnownModel {
  const isMeant = ({ modelId, version }: KnownModel) =>
    version === range || deprecations.of(modelId, version) === undefined;
  const current = [id, range].some((text) => text.startsWith('sha256:')) ? models : models.filter(isMeant);
  try {
    return resolveModel(current, id, range);
  } catch (thrown) {
    const isMissed = thrown instanceof NodeError && thrown.code === 'model_not_found';
    if (current.length === models.length || !isMissed) throw thrown;
    const { modelId, version } = resolveModel(models, id, range);
    throw onlyDeprecated(modelId, version, deprecations.of(modelId, version)?.reason);
  }
}

/** The same of manifests, before one of them is looked for. */
export function currentManifests(
  { deprecations }: Pick<NodeParts, 'deprecations'>,
  known: readonly ModelManifest[],
  range = 'latest',
): readonly ModelManifest[] {
  return known.filter(({ model_id, version }) => version === range || deprecations.of(model_id, version) === undefined);
}

function onlyDeprecated(modelId: string, version: string, reason: string | undefined): NodeError {
  const why = reason === undefined || reason === '' ? '' : ` (${reason})`;
  return new NodeError(
    'only_deprecated',
    `Looking for ${modelId}: what fits is deprecated, ${version} as the newest${why}`,
  );
}
