/** A node's use-cases wired together: what is here, what the mesh has, and getting it. The daemon opens it. */
export { agentView } from './agent-view.ts';
export { httpAddresses } from './announcer.ts';
export { NodeError } from './errors.ts';
export { writeLocalToken } from './home.ts';
export { NODE_LIMITS } from './limits.ts';
export { type ModelPlaces, usualPlaces } from './model-places.ts';
export { type OpenNode, openNode } from './open-node.ts';
export type { DownloadProgressView, DownloadState, DownloadStates } from './standalone/download-states.ts';
export {
  type DownloadRequest,
  ModelTransferService,
  type ModelTransferServiceOptions,
} from './standalone/model-transfer-service.ts';
export { openShelf, type Shelf } from './standalone/open-shelf.ts';
