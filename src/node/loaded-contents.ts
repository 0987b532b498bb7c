/** What a runtime has answered for and is in force, by the journal of deployments; for people's view of this node's models. */
import type { Mesh } from '../mesh/index.ts';
import type { DeploymentRepository, StoredDeployment } from '../registry/index.ts';
import type { LoadedContent, ViewWriter } from './view-writer.ts';

export function loadedContents(deployments: Pick<DeploymentRepository, 'list'>): LoadedContent[] {
  return deployments.list().flatMap(toLoaded);
}

/** This node tells the mesh when something is loaded, or not any more: the view is written anew then. */
export function followLoaded(mesh: Mesh, view: ViewWriter): () => void {
  return mesh.recordEvents.on((event) => {
    if (event.type !== 'accepted' || event.record.kind !== 'status') return;
    if (event.record.author === mesh.nodeId) view.changed();
  });
}

function toLoaded({ modelId, sha256, status, previous, detail }: StoredDeployment): LoadedContent[] {
  const { inForce, previousStatus, loadedAtMs } = detail;
  if (inForce === 'this' && status === 'Loaded')
    return [{ modelId, sha256, loadedAtMs: typeof loadedAtMs === 'number' ? loadedAtMs : undefined }];
  if (inForce === 'previous' && previousStatus === 'Loaded' && previous !== undefined)
    return [{ modelId, sha256: previous.sha256, loadedAtMs: undefined }];
  return [];
}
