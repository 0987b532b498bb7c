/** What a bridge is made with, and what the environment says where that is silent. Pure. Spec: docs/spec/12-library.md §4. */
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { DAEMON_DEFAULTS, parseDaemonEnv } from '../api/index.ts';
import type { Logger } from '../core/index.ts';
import { type ModelPlaces, usualPlaces } from '../node/index.ts';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';

export interface ModelBridgeOptions {
  /** Where each tool keeps its models. Absent: its usual place; false: do not look. */
  readonly llamafarmModelsDir?: string | false;
  readonly huggingfaceCacheDir?: string | false;
  readonly ollamaDir?: string | false;
  /** Further folders with models. */
  readonly folders?: readonly string[];
  /** 0: any free one. Absent: MODEL_BRIDGE_HTTP_PORT, else 14345. */
  readonly httpPort?: number;
  /** Address to listen on; loopback unless the bridge is open. */
  readonly host?: string;
  /** Everybody who reaches the port may read every model, as tools on other hosts need. */
  readonly openLan?: boolean;
  /** Seconds between two words of the catalog, at most 100. Absent: MODEL_BRIDGE_GOSSIP_INTERVAL, else 90. */
  readonly gossipInterval?: number;
  /** Absent: ATMOSPHERE_NODE_ID, else one made at the first start and kept. */
  readonly nodeId?: string;
  /** Absent: ATMOSPHERE_NODE_NAME, else the host's name. */
  readonly nodeName?: string;
  /** Where hashes are remembered; `bridge` in ATMOSPHERE_HOME or ~/.atmosphere. One process at a time. */
  readonly home?: string;
  readonly logger?: Logger;
}

export interface BridgeSettings {
  readonly places: ModelPlaces;
  readonly httpPort: number;
  readonly host: string;
  readonly openLan: boolean;
  readonly gossipMs: number;
  readonly nodeId: string | undefined;
  readonly nodeName: string | undefined;
  readonly home: string;
}

const DEFAULT_GOSSIP_SECONDS = 90;
/** Two words may be lost before the catalog forgets the node. */
const MAX_GOSSIP_SECONDS = PROTOCOL_LIMITS.catalogTtlSeconds / 3;

/** Throws RangeError for a variable that is not what it should be. */
export function toBridgeSettings(
  options: ModelBridgeOptions,
  env: Readonly<Record<string, string | undefined>>,
): BridgeSettings {
  const fromEnv = parseDaemonEnv(env);
  const usual = usualPlaces(env);
  const { openLan = false } = options;
  const gossipSeconds = options.gossipInterval ?? fromEnv.gossipIntervalSeconds ?? DEFAULT_GOSSIP_SECONDS;
  return {
    places: {
      huggingFace: placeOf(options.huggingfaceCacheDir, usual.huggingFace),
      ollama: placeOf(options.ollamaDir, usual.ollama),
      llamaFarm: placeOf(options.llamafarmModelsDir, usual.llamaFarm),
      folders: (options.folders ?? []).map((folder) => resolve(folder)),
    },
    httpPort: options.httpPort ?? fromEnv.httpPort ?? DAEMON_DEFAULTS.httpPort,
    host: options.host ?? (openLan ? '0.0.0.0' : '127.0.0.1'),
    openLan,
    gossipMs: Math.min(gossipSeconds, MAX_GOSSIP_SECONDS) * 1000,
    nodeId: options.nodeId ?? (env.ATMOSPHERE_NODE_ID || undefined),
    nodeName: options.nodeName ?? fromEnv.name,
    home: resolve(options.home ?? join(fromEnv.home ?? join(homedir(), '.atmosphere'), 'bridge')),
  };
}

function placeOf(given: string | false | undefined, usual: string | undefined): string | undefined {
  if (given === false) return undefined;
  return given === undefined ? usual : resolve(given);
}
