/** The swarms that are simulated. Each begins with one seeder and everybody else wanting the blob at the same moment. */
import { type AccessLine, MIXED_LINES } from '../../src/testkit/swarm-sim/access-lines.ts';
import type { SwarmOptions } from '../../src/testkit/swarm-sim/swarm.ts';
import { TRANSFER_LIMITS } from '../../src/transfer/index.ts';

export interface Profile {
  readonly about: string;
  /** Most that the last one done may take, as a multiple of the bound. */
  readonly goal?: number;
  /** Drawn in the plot of the ratio over the number of nodes. */
  readonly isMixed?: boolean;
  readonly swarm: Omit<SwarmOptions, 'seed'>;
}

const OFFICE: AccessLine = { upMbits: 50, downMbits: 50, delayMs: 1, loss: 0 };
/** Of a cheap server. */
const SEEDER: AccessLine = { upMbits: 100, downMbits: 100, delayMs: 3, loss: 0.0001 };
/** An upload of a fifth of the download and nothing faster: what all can send together is what counts. */
const CABLE: AccessLine = { upMbits: 10, downMbits: 50, delayMs: 8, loss: 0.0005 };

const SIZE_BYTES = 200_000_000;
const CHURN = { perMinute: 0.05, meanAwayMs: 60_000, silentShare: 0.5, gossipMs: 1_000 };
const STILL = { ...CHURN, perMinute: 0 };

function office(peers: number, about: string, goal?: number): Profile {
  const lines = [{ ...OFFICE, share: 1 }];
  const swarm = {
    sizeBytes: SIZE_BYTES,
    peers,
    seeder: OFFICE,
    lines,
    worldMs: 1,
    churn: STILL,
    limits: TRANSFER_LIMITS,
  };
  return { about, swarm, ...(goal && { goal }) };
}

function mixed(peers: number, goal?: number, sizeBytes = SIZE_BYTES): Profile {
  const base = { sizeBytes, seeder: SEEDER, lines: MIXED_LINES, worldMs: 20, churn: CHURN };
  const swarm = { ...base, peers, limits: TRANSFER_LIMITS, settleMs: peers > 2000 ? 200 : 50 };
  const about = `${peers.toLocaleString('en')} nodes on mixed links, 5 % churn a minute`;
  return { about, swarm, isMixed: true, ...(goal && { goal }) };
}

function cable(peers: number): Profile {
  const lines = [{ ...CABLE, share: 1 }];
  const swarm = {
    sizeBytes: SIZE_BYTES,
    peers,
    seeder: SEEDER,
    lines,
    worldMs: 20,
    churn: STILL,
    limits: TRANSFER_LIMITS,
  };
  return { about: `${peers} nodes with 10 Mbit/s up and 50 down: their uplinks are the bound`, swarm };
}

export const PROFILES: Readonly<Record<string, Profile>> = {
  'office-15': office(15, '15 nodes, 50 Mbit/s each way, as in bench/links', 1.4),
  'office-50': office(50, '50 nodes, 50 Mbit/s each way'),
  'cable-200': cable(200),
  'mixed-100': mixed(100),
  'mixed-1000': mixed(1000, 1.6),
  'mixed-3000': mixed(3000),
  'mixed-10000': mixed(10_000, 2, SIZE_BYTES / 2),
};
