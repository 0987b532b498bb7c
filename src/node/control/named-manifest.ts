/** Which manifest a name and a range mean, of all that are known, here or in the mesh. Pure. */
import { type ModelManifest, newestInRange } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';
import { nearestNames } from './nearest-names.ts';

/** Throws NodeError `model_not_found`, `model_ambiguous`; ProtocolError `invalid_range`. */
export function namedManifest(known: readonly ModelManifest[], id: string, range = 'latest'): ModelManifest {
  const named = ofName(known, id);
  const versions = [...new Set(named.map(({ version }) => version))];
  const version = newestInRange(versions, range);
  const fitting = named.filter((manifest) => manifest.version === version);
  const [first] = fitting;
  if (first === undefined) throw notFound(known, id, range, versions);
  if (fitting.every(({ model_id, sha256 }) => model_id === first.model_id && sha256 === first.sha256)) return first;
  const variants = fitting.map(({ model_id, version: of, sha256 }) => ({ model_id, version: of, sha256 }));
  throw new NodeError('model_ambiguous', `Looking for ${id}: ${fitting.length} contents fit`, { data: { variants } });
}

/** By id, or by the last part of it. */
function ofName(known: readonly ModelManifest[], id: string): readonly ModelManifest[] {
  const exact = known.filter((manifest) => manifest.model_id === id);
  return exact.length > 0 ? exact : known.filter((manifest) => manifest.model_id.endsWith(`/${id}`));
}

function notFound(known: readonly ModelManifest[], id: string, range: string, versions: readonly string[]): NodeError {
  const detail =
    versions.length > 0
      ? `no version in ${range}; known: ${versions.join(', ')}`
      : `no manifest of it is known here; ${nearestNames(
          id,
          known.map(({ model_id }) => model_id),
        )}`;
  return new NodeError('model_not_found', `Looking for ${id}: ${detail}`, {
    data: { id, range, versions: [...versions] },
  });
}
