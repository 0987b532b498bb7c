/** The program: a node with its HTTP edge, opened and closed as one; the same inside another program; and the bridge alone. */
export {
  AtmosphereNode,
  type AtmosphereNodeOptions,
  type ImportOptions,
  type InviteOptions,
  type NodeEvent,
  type PullOptions,
} from './atmosphere-node.ts';
export type { ModelBridgeOptions } from './bridge-options.ts';
export { openDaemon } from './daemon.ts';
export { type BridgeCatalogMessage, type BridgeStats, ModelBridge } from './model-bridge.ts';
