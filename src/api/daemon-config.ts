/**
 * What a daemon is started with, and what it promises to whoever started it. Types and pure functions: `cli` fills the
 * configuration, `daemon` keeps to it. Spec: docs/spec/11-cli.md §3.
 */
export interface DaemonConfig {
  readonly home: string;
  readonly name?: string;
  /** Address to listen on; without it the daemon chooses. */
  readonly httpHost?: string;
  /** Ports: 0 = any free one. */
  readonly httpPort: number;
  readonly meshPort: number;
  readonly agentPort: number;
  readonly mdns: boolean;
  /** Show packages to the local network, whatever the role; gateways do. */
  readonly advertisePackages?: boolean;
  /** Every model is served to the local network without a certificate. */
  readonly openLan: boolean;
  /** Let nodes on this machine use plain HTTP over loopback, and do the same. */
  readonly loopbackHttp: boolean;
  /** Carry the mesh's words for others (circuit relay); `spliceRelay` is the one for blobs. */
  readonly relayServer: boolean;
  /** URL templates of places that blobs may be had from beside the peers. */
  readonly mirrors?: readonly string[];
  /** Absolute; tokens for them. */
  readonly mirrorTokenFile?: string;
  /** Splice relays through which this node can be reached, `host:port`. */
  readonly relays?: readonly string[];
  /** Nodes whose WebSockets carry what no other way does, both ways, `host:port` of their HTTP; they can read it. */
  readonly wsRelays?: readonly string[];
  /** Be a splice relay. */
  readonly spliceRelay?: SpliceRelayConfig;
  /** Load formats that run code, where their signer may ship it; without it, as it was said last. */
  readonly allowCode?: boolean;
  /** The command that starts the agents of packages, a word each (docs/spec/23-agents.md §1). Kept: absent, as it was said last; null takes it away. */
  readonly agentRunner?: readonly string[] | null;
  /** Folders to look for models in, absolute. */
  readonly modelFolders: readonly string[];
  /** Look at the places of Hugging Face, Ollama and LlamaFarm too. */
  readonly scanDefaults: boolean;
  readonly quotaBytes?: number;
  readonly gossipIntervalSeconds?: number;
  /** What this node says of itself. */
  readonly facts?: NodeFactsConfig;
  readonly logLevel: LogLevel;
  /** Absolute; without it the log goes to stderr. */
  readonly logFile?: string;
}

/** Kept over restarts: what is absent stays as it was given last, null takes it away. */
export interface NodeFactsConfig {
  readonly region?: string | null;
  readonly labels?: Readonly<Record<string, string>> | null;
  readonly interests?: readonly string[] | null;
  readonly maxModelSizeMb?: number | null;
  readonly maxModels?: number | null;
  /** Instead of what the machine has; never more than that. */
  readonly memoryMb?: number | null;
  /** Instead of the machine's own. */
  readonly architecture?: string | null;
  /** `tier_1` to `tier_3`, instead of what the machine's size says. */
  readonly tier?: string | null;
}

export interface SpliceRelayConfig {
  /** Address to listen on; all unless given. */
  readonly host?: string;
  /** 0 = any free one. */
  readonly port: number;
  /** Of all members together; unlimited unless given. */
  readonly rateBytesPerSecond?: number;
  /** Of one member; unlimited unless given. */
  readonly quotaBytesPerDay?: number;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface DaemonReady {
  readonly node_id: string;
  readonly name: string;
  /** Base URL of the HTTP API on loopback. */
  readonly http: string;
  /** Base URL of the agent port, on loopback. */
  readonly agent: string;
  /** Multiaddrs. */
  readonly mesh: readonly string[];
  readonly home: string;
  readonly pid: number;
  /** Where it listens as a splice relay, `host:port`, if it does. */
  readonly relay?: string | undefined;
}

export interface Daemon {
  readonly ready: DaemonReady;
  /** Settles when everything is closed, whoever asked for it. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

export type OpenDaemon = (config: DaemonConfig) => Promise<Daemon>;

export const DAEMON_DEFAULTS = {
  httpPort: 14_345,
  meshPort: 14_346,
  agentPort: 4302,
  mdns: true,
  openLan: false,
  loopbackHttp: true,
  relayServer: false,
  modelFolders: [],
  scanDefaults: true,
  logLevel: 'info',
} as const satisfies Partial<DaemonConfig>;

/** Where a splice relay listens unless told otherwise. */
export const SPLICE_RELAY_PORT = 4303;

export interface DaemonEnv {
  readonly home?: string;
  readonly name?: string;
  readonly httpPort?: number;
  readonly gossipIntervalSeconds?: number;
}

/** Reads the variables of a process; an empty one counts as absent. Throws RangeError with the variable's name. */
export function parseDaemonEnv(env: Readonly<Record<string, string | undefined>>): DaemonEnv {
  const { ATMOSPHERE_HOME: home, ATMOSPHERE_NODE_NAME: name } = env;
  const httpPort = wholeNumber(env, 'MODEL_BRIDGE_HTTP_PORT', 0, 65_535);
  const gossipIntervalSeconds = wholeNumber(env, 'MODEL_BRIDGE_GOSSIP_INTERVAL', 1, 3600);
  return {
    ...(home ? { home } : {}),
    ...(name ? { name } : {}),
    ...(httpPort === undefined ? {} : { httpPort }),
    ...(gossipIntervalSeconds === undefined ? {} : { gossipIntervalSeconds }),
  };
}

function wholeNumber(env: Readonly<Record<string, string | undefined>>, key: string, min: number, max: number) {
  const text = env[key];
  if (text === undefined || text === '') return undefined;
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new RangeError(`Reading ${key}: got ${JSON.stringify(text)}, wanted a whole number from ${min} to ${max}`);
}
