import { KiB, type LimitTable, limitValues, MiB } from '../core/index.ts';

export const RELAY_LIMIT_TABLE = {
  firstBytesMs: { value: 10_000, why: 'a connection must have said what it is' },
  helloBytes: { value: 16 * KiB, why: 'a ClientHello with its records; one with post-quantum keys has 2 KiB' },
  helloRecords: { value: 16, why: 'the records of a ClientHello; real ones come in one, or two' },
  undecided: { value: 256, why: 'connections that have not said yet what they are, or who' },
  undecidedPerAddress: { value: 32, why: 'those of one address: several nodes may be behind it' },
  handshakeMs: { value: 10_000, why: 'the TLS handshake of a control connection must end' },
  frameBytes: { value: 4 * KiB, why: 'one frame of a control connection; the longest of ours has 200 bytes' },
  framesPerMinute: {
    value: 1200,
    why: 'frames one control connection may send; pings take 3, the rest is for connects',
  },
  unreadBytes: { value: 64 * KiB, why: 'answers kept for a client that does not read them' },
  controlConnections: { value: 4096, why: 'control connections, of all members together' },
  controlPerMember: { value: 4, why: 'one to be reached, one to ask, and their successors; the oldest goes' },
  controlIdleMs: { value: 60_000, why: 'a control connection that says nothing, not even ping, is dead' },
  pingEveryMs: { value: 20_000, why: 'keeps routers in between from forgetting the connection' },
  pongMs: { value: 10_000, why: 'a relay that does not answer a ping or a question by then is away' },
  connectMs: { value: 10_000, why: 'a connection to the relay with its TLS' },
  tokenMs: { value: 10_000, why: 'from the question to both data connections' },
  pairs: { value: 1024, why: 'joined connections, and those being made, in all' },
  pairsPerMember: { value: 64, why: 'those one member asked for, and those one member holds' },
  pairsBetween: {
    value: 32,
    why: 'those of one asker and one holder: no member may take all places of another; four downloads with eight lanes',
  },
  pairIdleMs: { value: 60_000, why: 'a pair on which no byte moves is ended' },
  bufferBytes: {
    value: 256 * KiB,
    why: 'what waits in each direction of a pair before its source is held up, in two blocks; less costs speed',
  },
  quantumBytes: { value: 64 * KiB, why: 'what a member gets in one round where several wait; about one read' },
  burstMs: { value: 50, why: 'how much of the rate may be saved up' },
  minBurstBytes: { value: 128 * KiB, why: 'and at least this much: two reads' },
  quotaMembers: { value: 10_000, why: 'members whose bytes of the day are counted; one more waits for the next day' },
  quotaSaveMs: { value: 10_000, why: 'how much of the count a crash may forget' },
  reconnectMs: { value: 250, why: 'first pause of a holder that lost its relay; doubles, with jitter' },
  maxReconnectMs: { value: 5_000, why: 'longest such pause: a relay that comes back has its holders within seconds' },
  steadyMs: { value: 10_000, why: 'a registration that held this long starts the pauses anew' },
  dataConnections: { value: 64, why: 'connections a holder opens for one relay at one time' },
  idleAskerMs: { value: 30_000, why: 'an asker’s control connection is kept for the next question' },
  askedRelays: { value: 8, why: 'control connections an asker keeps; the longest unused goes' },
  wsRoutes: { value: 1024, why: 'transfers over WebSockets that are forwarded, of all members together' },
  wsRoutesPerMember: { value: 32, why: 'those one member asked for' },
  wsRouteIdleMs: { value: 120_000, why: 'a forwarded transfer that says nothing any more is forgotten' },
  wsRouteQueueBytes: { value: 6 * MiB, why: 'what waits for one reader: a full window of JSON is 5.5' },
  wsMemberQueueBytes: {
    value: 32 * MiB,
    why: 'what waits for one member: who does not read must leave room for others',
  },
  wsQueueBytes: { value: 64 * MiB, why: 'what waits for all readers together' },
  wsUnwrittenBytes: { value: 256 * KiB, why: 'what waits in one socket; the rest waits in queues, served in turn' },
  wsPingMs: { value: 30_000, why: 'how often a link says that it lives, and learns whether the relay does' },
} as const satisfies LimitTable;

export const RELAY_LIMITS = limitValues(RELAY_LIMIT_TABLE);
export type RelayLimits = typeof RELAY_LIMITS;
