import { KiB, type LimitTable, limitValues, MiB } from '../core/index.ts';

export const TRANSFER_LIMIT_TABLE = {
  maxHeadBytes: { value: 16 * KiB, why: 'a response head is a few hundred bytes; an endless one ends here' },
  maxHeadFields: { value: 100, why: 'the same bound, counted in fields' },
  maxRefusalBytes: { value: 4 * KiB, why: 'the body of a refusal, read past so that its connection can go on' },
  maxRedirects: { value: 5, why: 'hops from a configured URL to where its bytes are' },
  addressesPerHost: { value: 4, why: 'addresses of one host that are tried' },
  stallMs: {
    value: 9_000,
    why: 'a lane silent this long has its pieces given to others: within 10 s, the tick included',
  },
  minStallBytes: { value: 16 * KiB, why: 'fewer bytes than this in a stall time are silence too' },
  questionMs: { value: 10_000, why: 'a small question that is not answered by then has no answer' },
  connectTimeoutMs: { value: 10_000, why: 'a peer that does not open a connection by then is away' },
  minRunBytes: { value: 16 * MiB, why: 'the first request to a peer of unknown speed; cheap to steal back' },
  maxRunBytes: { value: 64 * MiB, why: 'longer requests save nothing more, and a lost one is asked again' },
  runMs: { value: 2_000, why: 'a request lasts about this long at the measured rate, between the two sizes above' },
  backOffMs: { value: 250, why: 'first pause after a failure; doubles, with jitter' },
  maxBackOffMs: { value: 15_000, why: 'a peer that recovers is noticed within this' },
  maxFailuresInRow: { value: 5, why: 'failures without one good piece between them; then the peer is given up' },
  maxRetryAfterMs: { value: 60_000, why: 'a busy peer cannot make us wait longer' },
  outageMs: {
    value: 600_000,
    why: 'a download that got something outlives a network that is away this long, counted from its last piece',
  },
  barrenMs: {
    value: 3_600_000,
    why: 'a download that gets no piece for this long ends, whatever its sources tell meanwhile',
  },
  takeOverFactor: {
    value: 2,
    why: 'the last piece of a lane is taken away when another does it this many times sooner',
  },
  maxTakeOvers: {
    value: 2,
    why: 'how often one piece may be taken from a lane that is on it: bounds what is asked twice',
  },
  companyWaitMs: {
    value: 250,
    why: 'a source that told what it holds and not by then how many others ask it is asked without knowing it',
  },
  sentPatienceMs: {
    value: 2_000,
    why: 'what a complete source sent to others is left to them this long, then asked of it again',
  },
  busyPatienceMs: { value: 30_000, why: 'a source that has room for nothing for this long has failed' },
  muteMs: { value: 2_000, why: 'a lane that has not begun to answer by then loses its piece to one that is idle' },
  aheadFactor: {
    value: 1.5,
    why: 'bandwidth × delay times this is asked ahead, so that a lane can show that it is faster',
  },
  laneDepth: { value: 8, why: 'requests under way at once on one connection' },
  preferredHeadStartMs: { value: 1_000, why: 'what the source that the user prefers has for itself at the start' },
  newsWaitMs: { value: 1_000, why: 'a source that has not told by then what it holds is taken to hold everything' },
  swarmLingerMs: {
    value: 10_000,
    why: 'how long after the last sign of others pieces are still asked for as in a swarm',
  },
  climbMs: { value: 2_000, why: 'how long the rate of a download is measured before and during a trial of more lanes' },
  climbSettleMs: { value: 1_000, why: 'a new connection finds its speed in this time, which is not measured' },
  climbGain: { value: 0.15, why: 'the share by which more lanes must make the whole download faster to be kept' },
  climbRestMs: { value: 30_000, why: 'after a trial in vain the next one waits this long' },
  maxTrialLanes: {
    value: 16,
    why: 'a download with more lanes than half of this tries no more: it would only crowd others out',
  },
  tierPatienceMs: {
    value: 5_000,
    why: 'cheaper sources may give too little for this long before dearer ones are asked',
  },
  tierFloorBytesPerSecond: { value: MiB, why: 'less than this from all cheaper sources together is too little' },
  lateTickMs: { value: 3_000, why: 'a tick that comes later than this after the one before tells of our own sleep' },
  tickMs: { value: 500, why: 'how often rates and silence are looked at' },
  maxLanesPerSource: { value: 8, why: 'connections one download opens to one peer' },
  maxSources: { value: 64, why: 'peers one download uses' },
  bookedSources: { value: 1024, why: 'peers of which a download remembers what they did, those that left included' },
  newsBurst: { value: 512, why: 'frames of piece news that a peer may have us look at at once' },
  newsPerSecond: { value: 100, why: 'and how many more a second; ten writes of three are usual' },
  blockBytes: { value: 512 * KiB, why: 'unit of reading, hashing and writing; divides every piece' },
  streamBlocks: { value: 7, why: 'parts under way on a mesh stream: what a round trip to a busy peer leaves unused' },
  streamDepth: { value: 4, why: 'reads asked ahead on a mesh stream; what is under way is bounded by its blocks' },
  blocksPerLane: { value: 4, why: 'one is filled while others are written and hashed' },
  idleBlocks: { value: 16, why: 'blocks kept for the next lane, of all downloads together' },
  inlineHashBytes: {
    value: 16 * MiB,
    why: 'smaller blobs are hashed without a worker thread, which takes 40 ms to start',
  },
  hashThreadIdleMs: { value: 5000, why: 'a hash thread without work waits this long for the next blob' },
  pieceListTimeoutMs: { value: 10_000, why: 'then the next peer is asked for the piece list' },
  minRateBytesPerSecond: { value: 8_000, why: 'a slower limit would look like a stall to the other side' },
  minBurstBytes: { value: 16 * KiB, why: 'what a slow limit lets through at once: a few packets' },
  burstMs: {
    value: 100,
    why: 'what a limit lets through at once, as time at its rate; longer makes queues in the link',
  },
  floorRateBytesPerSecond: {
    value: 64 * KiB,
    why: 'what is left to a transfer while more urgent ones want an unlimited link, so that it is not disconnected',
  },
  urgentMs: { value: 1_000, why: 'how long after its last bytes a more urgent transfer still goes first' },
  idleShareMs: {
    value: 60_000,
    why: 'what is known of the rate of a peer or transfer that moves nothing is then forgotten',
  },
  scheduleEntries: { value: 32, why: 'entries of a rate schedule' },
  limitedPeers: { value: 256, why: 'peers with a rate of their own' },
  delayTargetMs: { value: 25, why: 'queue that a transfer which gives way may make in the link' },
  delayMinutes: { value: 10, why: 'the least delay of so many minutes is that of the empty link' },
  delayProbeMs: { value: 250, why: 'how often the delay to a peer is measured while a transfer that gives way runs' },
  delayTimeoutMs: { value: 1_000, why: 'a probe without an answer by then counts as a full queue' },
  minYieldBytesPerSecond: {
    value: 16 * KiB,
    why: 'a transfer that gives way is never slower, so that it is not disconnected',
  },
  wsDepth: { value: 4, why: 'ranges that may be asked ahead on one WebSocket' },
  wsAskAheadBytes: { value: MiB, why: 'the next range is asked for when less is left of those before' },
  wsHeldBytes: { value: 2 * MiB, why: 'bytes of a WebSocket not let go of; then nothing more is read' },
  wsLateBytes: { value: 16 * MiB, why: 'what may still come after a cancel: two windows of JSON and their text' },
  wsLateReads: { value: 64, why: 'reads that are over of which repeated chunks may still come' },
  wsSilenceMs: { value: 30_000, why: 'a WebSocket that says nothing for this long has stalled' },
} as const satisfies LimitTable;

export const TRANSFER_LIMITS = limitValues(TRANSFER_LIMIT_TABLE);

/** The limits a caller may set otherwise, for slow links and for tests. */
export type TransferLimits = typeof TRANSFER_LIMITS;
