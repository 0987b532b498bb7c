import { type LimitTable, limitValues } from '../core/index.ts';

export const REGISTRY_LIMIT_TABLE = {
  busyTimeoutMs: { value: 5000, why: 'how long a statement waits for another process that holds the database' },
  addressesPerPeer: { value: 8, why: 'addresses of one node that are worth dialing' },
  peerAddresses: { value: 2000, why: 'remembered addresses in all' },
  endedTransfers: { value: 1000, why: 'history of downloads' },
  reportsPerReporter: { value: 64, why: 'peers of which one node may tell the others' },
  reportLifeMs: { value: 86_400_000, why: 'how long what a node told of another counts, less and less' },
  auditPage: { value: 1000, why: 'entries of the audit log that are read at once' },
  auditFactsBytes: { value: 4096, why: 'what one entry of the audit log says; of more its digest is kept' },
  sightings: { value: 200_000, why: 'contents of which this node remembers when it first heard; the oldest go' },
  catalogNodes: { value: 10_000, why: 'nodes of whose models the merged catalog knows' },
  catalogEntriesPerNode: { value: 20_000, why: 'models of one node' },
  catalogEntries: { value: 200_000, why: 'models of all nodes, in memory' },
  catalogPagesPerNode: { value: 2000, why: 'pages of one node, empty ones too' },
} as const satisfies LimitTable;

export const REGISTRY_LIMITS = limitValues(REGISTRY_LIMIT_TABLE);
