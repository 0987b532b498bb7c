/** Which manifests this node has to sign anew. Spec: docs/spec/16-manifests.md §8. Pure. */
import type { NodeId } from '../../core/index.ts';
import { isSameJson, type ModelManifest } from '../../protocol/index.ts';

/** A model that is on this machine. */
export interface ModelHere {
  readonly key: string;
  readonly manifest: ModelManifest;
  /** Its owner imported or described it: the mesh is told without being asked. */
  readonly isOwners: boolean;
  /** The owner's own words are in it. */
  readonly hasWords: boolean;
}

/** What this node published and is in force. */
export interface OwnRecord {
  readonly manifest: ModelManifest;
  /** Less than half of its life is left. */
  readonly isOld: boolean;
}

export interface PublishingView {
  readonly nodeId: NodeId;
  readonly here: readonly ModelHere[];
  /** By key. */
  readonly own: ReadonlyMap<string, OwnRecord>;
  /** The manifest that counts in the mesh. */
  readonly counting: (key: string) => ModelManifest | undefined;
  readonly mayWrite: (modelId: string) => boolean;
}

/** In the order in which they are to be signed and published. */
export function planPublishing(view: PublishingView): ModelManifest[] {
  const due = view.here.flatMap((model) => dueOf(model, view) ?? []);
  return [...due, ...oldOf(view)].filter(({ model_id }) => view.mayWrite(model_id));
}

function dueOf({ key, manifest, isOwners, hasWords }: ModelHere, view: PublishingView): ModelManifest | undefined {
  const own = view.own.get(key);
  if (own === undefined) {
    const isSaidByOthers = (view.counting(key)?.signature?.signer ?? view.nodeId) !== view.nodeId;
    return hasWords || (isOwners && !isSaidByOthers) ? manifest : undefined;
  }
  // When it was first described stays, however often the model is found anew.
  const { created_at = manifest.created_at } = own.manifest;
  const wanted = hasWords || created_at === undefined ? manifest : { ...manifest, created_at };
  return own.isOld || !isSameContent(own.manifest, wanted) ? wanted : undefined;
}

/** Of models that are not here any more: taken back where other bytes have their name, else kept alive for those who have them. */
function oldOf({ here, own }: PublishingView): ModelManifest[] {
  const keys = new Set(here.map(({ key }) => key));
  const names = new Set(here.map(({ manifest }) => nameOf(manifest)));
  return [...own].flatMap(([key, { manifest, isOld }]) => {
    if (keys.has(key) || manifest.withdrawn) return [];
    if (names.has(nameOf(manifest))) return [{ ...manifest, withdrawn: true }];
    return isOld ? [manifest] : [];
  });
}

function nameOf({ model_id, version }: ModelManifest): string {
  return `${model_id}\n${version}`;
}

/** The same but for the signing. */
function isSameContent(one: ModelManifest, other: ModelManifest): boolean {
  return isSameJson(
    { ...one, signature: undefined, revision: undefined },
    { ...other, signature: undefined, revision: undefined },
  );
}
