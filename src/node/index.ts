/** A node's use-cases wired together: what is here, what the mesh has, and getting it. The daemon opens it. */
export { type AgentView, agentView } from './agent-view.ts';
export { httpAddresses } from './announcer.ts';
export { NODE_ERRORS, NodeError, type NodeErrorCode } from './errors.ts';
export { type Home, writeLocalToken } from './home.ts';
export { type ModelPlaces, usualPlaces } from './model-places.ts';
export type { PeerFacts } from './open-mesh-parts.ts';
export { type NodeOptions, type OpenNode, openNode } from './open-node.ts';
export type { PeerSourcesOptions } from './peer-sources.ts';
export type { DownloadProgressView, DownloadState, DownloadStates } from './standalone/download-states.ts';
export {
  type DownloadRequest,
  ModelTransferService,
  type ModelTransferServiceOptions,
} from './standalone/model-transfer-service.ts';
export { openShelf, type Shelf, type ShelfOptions } from './standalone/open-shelf.ts';
