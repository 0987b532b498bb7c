import { type LimitTable, limitValues } from '../core/index.ts';

export const NODE_LIMIT_TABLE = {
  policyLookEveryMs: { value: 21_600_000, why: 'how often an admin’s node looks whether its access policy runs out' },
  networkLookEveryMs: { value: 2000, why: 'how late this node notices that its machine has other addresses' },
  banMs: { value: 3_600_000, why: 'how long a peer that sent wrong bytes is not asked again' },
  outcomeWindowMs: { value: 86_400_000, why: 'how long verdicts on a peer are counted together, and told of' },
  outcomeTallies: { value: 256, why: 'peers on whom verdicts are counted at a time; the oldest goes' },
  outcomeSubjects: { value: 64, why: 'peers of whom this node tells the others' },
  mildOutcomeSubjects: {
    value: 48,
    why: 'those of them told of though nothing was wrong; the rest is kept for bad news',
  },
  outcomeEveryMs: { value: 60_000, why: 'a peer is told of at most once in this time' },
  outcomesPerPeriod: { value: 8, why: 'and so many peers in all: a swarm’s end must not flood the mesh' },
  outcomeRefreshMs: { value: 43_200_000, why: 'what was told is told again when it is this old and something is new' },
  weighedWordsMs: { value: 60_000, why: 'how long what others say of a peer is not weighed anew' },
  otherClaims: { value: 8, why: 'other descriptions of one digest that a pull tries when the most named one failed' },
  neighboursPerBlob: {
    value: 48,
    why: 'nodes that one download asks; leaves room among its 64 sources for whoever comes later',
  },
  swarmLookBurst: { value: 5, why: 'times in a row that a download looks at once who may be asked too' },
  swarmLookEveryMs: { value: 500, why: 'and then once in this time, however much changes in the mesh' },
  fetchingTold: { value: 32, why: 'blobs under way that a heartbeat names' },
  fetchingBurst: { value: 5, why: 'times in a row that others are told of them at once' },
  fetchingEveryMs: { value: 2000, why: 'and then once in this time: each is a record that every node gets' },
  endpointsPerPeer: { value: 4, why: 'addresses of one peer that are tried for its bytes' },
  blobStreamsPerPeer: { value: 64, why: 'blob streams of the mesh that one peer has open; as many as by HTTP' },
  blobQuestionsWaiting: { value: 16, why: 'questions of one blob stream that were not answered yet' },
  holdingEveryMs: { value: 100, why: 'how often a follower on a stream is told of new pieces' },
  blobStreamIdleMs: { value: 60_000, why: 'a blob stream that asks nothing for this long is ended' },
  blobStreamStalledMs: { value: 30_000, why: 'and one whose reader takes nothing' },
  lanesPerPeer: { value: 8, why: 'connections that one download opens to one peer at most' },
  relaysPerPeer: { value: 2, why: 'splice relays of one peer that are tried' },
  mirrors: { value: 16, why: 'mirrors of one node' },
  mirrorTokenChars: { value: 65_536, why: 'of a token file that are read' },
  wayHedgeMs: { value: 1000, why: 'a way to a peer that has not answered by then gets company from the next one' },
  streamHedgeMs: {
    value: 3000,
    why: 'a stream of the mesh costs this machine several times the work of a connection: it joins a slow one later',
  },
  wayRestMs: { value: 30_000, why: 'a way that failed is asked last for this long' },
  resumePatienceMs: { value: 600_000, why: 'how long an interrupted pull waits for somebody who has the model' },
  endedTransfersKept: { value: 200, why: 'ended pulls kept in memory; the log has more' },
  waitingEvents: { value: 1000, why: 'events kept for a reader that does not keep up; the oldest goes' },
} as const satisfies LimitTable;

export const NODE_LIMITS = limitValues(NODE_LIMIT_TABLE);
