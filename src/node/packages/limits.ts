import { KiB, type LimitTable, limitValues, MiB } from '../../core/index.ts';

export const PACKAGE_LIMIT_TABLE = {
  waitingInstalls: { value: 16, why: 'installs that wait in line behind the one under way' },
  trustedParties: { value: 1000, why: 'meshes and founders whose packages are taken' },
  smallMemberBytes: { value: MiB, why: 'a file of a package up to this size is read into memory as a whole' },
  documentBytes: {
    value: 64 * MiB,
    why: 'manifest, checksums, custody and list of differences that are read into memory',
  },
  configFiles: { value: 2000, why: 'files in the folder of a package’s configuration, the operator’s own among them' },
  keptConfigBytes: { value: 16 * MiB, why: 'what an operator has edited of one package, kept for the way back' },
  configDepth: { value: 32, why: 'folders in each other there' },
  diffBytes: { value: 256 * KiB, why: 'texts up to this size whose difference is shown' },
  diffEdits: { value: 4000, why: 'changed lines, beyond which only their number is said' },
  progressEveryMs: { value: 200, why: 'how often an import tells how far it is' },
  stoppedKeepMs: {
    value: 7 * 86_400_000,
    why: 'how long what an import stored is kept for the next one after it was stopped',
  },
  busyContentMs: {
    value: 60_000,
    why: 'how long an import waits for content that a transfer brings at the same time while nothing of it comes',
  },
  busyLookMs: { value: 1000, why: 'after which it looks again whether that transfer has ended' },
  gatewaysAsked: { value: 16, why: 'gateways of the local network that are connected to in one look' },
  gatewayWaitMs: { value: 5000, why: 'how long the local network is listened to when no gateway is heard' },
  updatesWaitMs: { value: 1500, why: 'the same where only news are asked for' },
  gatewaySettleMs: { value: 1000, why: 'how long others are listened for after the last one was heard' },
  gatewayConnectMs: { value: 10_000, why: 'a connection to one' },
  offersWaitMs: { value: 15_000, why: 'until what a gateway offers is known from the mesh' },
  offersLookedInto: { value: 32, why: 'offers whose file list is fetched to say what of it is missing here' },
  offerLookMs: { value: 10_000, why: 'one of them' },
} as const satisfies LimitTable;

export const PACKAGE_LIMITS = limitValues(PACKAGE_LIMIT_TABLE);
