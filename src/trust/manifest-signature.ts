/** Signing a manifest: docs/spec/16-manifests.md §8. What holds a signature against it is `checkManifest`. */
import { type ModelManifest, parseManifest, SIGNING_CONTEXTS, shortManifest } from '../protocol/index.ts';
import { type Signer, signObject } from './signatures.ts';

/** Its next revision, signed. `before` is the largest revision that was ever seen of it. */
export function signManifest(
  manifest: ModelManifest,
  { signer, nowMs, before }: { readonly signer: Signer; readonly nowMs: number; readonly before: number },
): ModelManifest {
  const { signature: _old, ...facts } = manifest;
  const revision = Math.max(before + 1, Math.floor(nowMs));
  return parseManifest(signObject(SIGNING_CONTEXTS.manifest, shortManifest({ ...facts, revision }), signer, nowMs));
}
