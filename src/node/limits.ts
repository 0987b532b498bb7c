import { type LimitTable, limitValues } from '../core/index.ts';

export const NODE_LIMIT_TABLE = {
  banMs: { value: 3_600_000, why: 'how long a peer that sent wrong bytes is not asked again' },
  otherClaims: { value: 8, why: 'other descriptions of one digest that a pull tries when the most named one failed' },
  endpointsPerPeer: { value: 4, why: 'addresses of one peer that are tried for its bytes' },
  resumePatienceMs: { value: 600_000, why: 'how long an interrupted pull waits for somebody who has the model' },
  endedTransfersKept: { value: 200, why: 'ended pulls kept in memory; the log has more' },
  waitingEvents: { value: 1000, why: 'events kept for a reader that does not keep up; the oldest goes' },
} as const satisfies LimitTable;

export const NODE_LIMITS = limitValues(NODE_LIMIT_TABLE);
