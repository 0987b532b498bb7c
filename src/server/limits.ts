import { KiB, type LimitTable, limitValues, MiB } from '../core/index.ts';

export const SERVER_LIMIT_TABLE = {
  connections: { value: 1024, why: 'open connections from other machines, together' },
  loopbackConnections: {
    value: 1024,
    why: 'open connections from this machine; apart, so that no stranger locks the owner out',
  },
  connectionsPerAddress: {
    value: 64,
    why: 'open connections from one other address: some peers behind one router, several lanes each',
  },
  firstByteMs: { value: 10_000, why: 'a connection that says nothing is closed' },
  handshakeMs: { value: 10_000, why: 'a TLS handshake must end' },
  headerMs: { value: 10_000, why: 'the whole header must arrive (slow loris)' },
  requestMs: { value: 30_000, why: 'the whole request with its body must arrive' },
  keepAliveMs: { value: 60_000, why: 'a kept connection waits this long for its next request' },
  connectionCheckMs: { value: 1_000, why: 'how often late headers and requests are looked for' },
  headerBytes: { value: 16 * KiB, why: 'request line and header, together' },
  headerFields: { value: 64, why: 'fields of one header' },
  bodyBytes: { value: 64 * KiB, why: 'a control request; models never come in by HTTP bodies' },
  strangerRequestsPerSecond: { value: 20, why: 'refill of a stranger’s bucket' },
  strangerBurst: { value: 60, why: 'size of a stranger’s bucket' },
  strangerBuckets: { value: 4096, why: 'addresses remembered; the longest unseen is forgotten first' },
  streamsPerPeer: { value: 64, why: 'blob streams of one peer, or of this machine’s tools together per address' },
  streamsPerStranger: { value: 8, why: 'blob streams of an address without identity' },
  rangesPerRequest: { value: 64, why: 'more ranges in one request are ignored and the file is sent whole' },
  agentConnections: { value: 64, why: 'open connections of the agent port, all from this machine' },
  chunkBytes: { value: MiB, why: 'one read of a blob; a stream holds two' },
  pooledChunks: { value: 16, why: 'idle buffers kept for the next stream' },
  stalledReaderMs: { value: 30_000, why: 'a reader that takes no byte for this long is cut' },
  eventHeadMs: { value: 500, why: 'a stream of events without a first event sends its head after this' },
  closeGraceMs: { value: 5_000, why: 'what answers under way have to end at closing' },
  closeLingerMs: { value: 200, why: 'what connections without an answer under way have to end at closing' },
} as const satisfies LimitTable;

export const SERVER_LIMITS = limitValues(SERVER_LIMIT_TABLE);
export type ServerLimits = typeof SERVER_LIMITS;
