/** The daemon's configuration from flags, variables and defaults, in that order. Spec: docs/spec/11-cli.md §3. Pure. */
import { resolve } from 'node:path';
import {
  DAEMON_DEFAULTS,
  type DaemonConfig,
  type LogLevel,
  parseDaemonEnv,
  type SpliceRelayConfig,
} from '../api/index.ts';
import { messageOf } from '../core/index.ts';
import { runnerFrom } from './agent-runner.ts';
import { CliError } from './errors.ts';
import { type FactsOptions, factsOf } from './node-facts.ts';

export interface UpOptions extends FactsOptions {
  readonly detach?: boolean;
  readonly port?: number;
  readonly meshPort?: number;
  readonly agentPort?: number;
  readonly host?: string;
  readonly mdns?: boolean;
  readonly advertisePackages?: boolean;
  readonly openLan?: boolean;
  readonly name?: string;
  readonly loopbackHttp?: boolean;
  readonly allowCode?: boolean;
  readonly denyCode?: boolean;
  /** false: none any more. */
  readonly agentRunner?: readonly string[] | false;
  readonly relayServer?: boolean;
  readonly relay?: readonly string[];
  readonly wsRelay?: readonly string[];
  readonly relayPort?: number;
  readonly relayRate?: number;
  readonly relayQuotaPerDay?: number;
  readonly mirror?: readonly string[];
  readonly mirrorTokenFile?: string;
  readonly models?: readonly string[];
  readonly scanDefaults?: boolean;
  readonly quota?: number;
  readonly logLevel?: LogLevel;
  readonly logFile?: string;
}

export interface UpSurroundings {
  readonly home: string;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Throws CliError `bad_usage`. */
export function toDaemonConfig(options: UpOptions, { home, cwd, env }: UpSurroundings): DaemonConfig {
  const fromEnv = readEnv(env);
  const absolute = (path: string) => resolve(cwd, path);
  return {
    home,
    httpPort: options.port ?? fromEnv.httpPort ?? DAEMON_DEFAULTS.httpPort,
    meshPort: options.meshPort ?? DAEMON_DEFAULTS.meshPort,
    agentPort: options.agentPort ?? DAEMON_DEFAULTS.agentPort,
    mdns: options.mdns ?? DAEMON_DEFAULTS.mdns,
    openLan: options.openLan ?? DAEMON_DEFAULTS.openLan,
    loopbackHttp: options.loopbackHttp ?? DAEMON_DEFAULTS.loopbackHttp,
    relayServer: options.relayServer ?? DAEMON_DEFAULTS.relayServer,
    modelFolders: (options.models ?? DAEMON_DEFAULTS.modelFolders).map(absolute),
    scanDefaults: options.scanDefaults ?? DAEMON_DEFAULTS.scanDefaults,
    logLevel: options.logLevel ?? DAEMON_DEFAULTS.logLevel,
    ...given('name', options.name ?? fromEnv.name),
    ...given('httpHost', options.host),
    ...given('advertisePackages', options.advertisePackages),
    ...given('allowCode', options.denyCode === true ? false : options.allowCode),
    ...given('agentRunner', runnerOf(options, cwd)),
    ...given('mirrors', options.mirror),
    ...given('mirrorTokenFile', options.mirrorTokenFile === undefined ? undefined : absolute(options.mirrorTokenFile)),
    ...given('quotaBytes', options.quota),
    ...given('relays', options.relay),
    ...given('wsRelays', options.wsRelay),
    ...given('spliceRelay', spliceRelayOf(options)),
    ...given('facts', factsOf(options)),
    ...given('gossipIntervalSeconds', fromEnv.gossipIntervalSeconds),
    ...given('logFile', options.logFile === undefined ? undefined : absolute(options.logFile)),
  };
}

function runnerOf({ agentRunner }: UpOptions, cwd: string): readonly string[] | null | undefined {
  if (agentRunner === false) return null;
  return agentRunner === undefined ? undefined : runnerFrom(cwd, agentRunner);
}

/** Throws CliError `bad_usage` for bounds of a relay that is not asked for. */
function spliceRelayOf({ host, relayPort, relayRate, relayQuotaPerDay }: UpOptions): SpliceRelayConfig | undefined {
  if (relayPort === undefined) {
    if (relayRate === undefined && relayQuotaPerDay === undefined) return undefined;
    throw new CliError('bad_usage', 'Reading the flags: --relay-rate and --relay-quota-per-day go with --relay-port', {
      data: { try: 'atmosphere up --relay-port 4303  # with them' },
    });
  }
  return {
    port: relayPort,
    ...given('host', host),
    ...given('rateBytesPerSecond', relayRate),
    ...given('quotaBytesPerDay', relayQuotaPerDay),
  };
}

function readEnv(env: UpSurroundings['env']) {
  try {
    return parseDaemonEnv(env);
  } catch (cause) {
    throw new CliError('bad_usage', messageOf(cause), { cause });
  }
}

function given<Key extends string, Value>(key: Key, value: Value | undefined): { [K in Key]?: Value } {
  return value === undefined ? {} : ({ [key]: value } as { [K in Key]: Value });
}
