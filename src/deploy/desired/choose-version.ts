/** Which of several versions a node should have. Spec: docs/spec/17-deployment.md §2.6. Pure. */
import type { Fit, KnownManifest, NodeFacts } from '../types.ts';
import type { FleetIndex } from './fleet-index.ts';
import type { ModelVersions } from './manifest-index.ts';

export interface VersionChoice {
  readonly known: KnownManifest;
  readonly fit: Fit;
}

/** The newest one that fits; where none does the newest, with what is in its way. */
export function chooseVersion(
  index: FleetIndex,
  { versions }: ModelVersions,
  node: NodeFacts,
  isMeant: (known: KnownManifest) => boolean,
): VersionChoice | undefined {
  let newest: VersionChoice | undefined;
  for (const known of versions) {
    if (!isMeant(known)) continue;
    const fit = index.fitOf(known.manifest, node);
    if (fit.fit !== 'no') return { known, fit };
    newest ??= { known, fit };
  }
  return newest;
}
