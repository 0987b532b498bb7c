import { KiB, type LimitTable, limitValues } from '../core/index.ts';

export const DEPLOY_LIMIT_TABLE = {
  parallelDeployments: { value: 3, why: 'models of one node that are fetched, probed and switched at a time' },
  retryBaseMs: { value: 5_000, why: 'a deployment that failed is tried again after this, then twice as long' },
  retryMaxMs: { value: 600_000, why: 'and at last once in this time' },
  probeAttempts: { value: 3, why: 'times that a model which the probe refused is probed before a new order is needed' },
  rolloutLeaseMinMs: { value: 3_000, why: 'a rollout’s coordinator may always be silent for so long' },
  rolloutLeaseMaxMs: { value: 60_000, why: 'and never longer before another node takes over' },
  rulesBytes: { value: 128 * KiB, why: 'one file of deployment rules' },
  rulesFaults: { value: 200, why: 'faults of one file after which no more rules are looked at' },
  rulesRecordBytes: { value: 192 * KiB, why: 'the same as JSON, with what is left out filled in: fits into a record' },
} as const satisfies LimitTable;

export const DEPLOY_LIMITS = limitValues(DEPLOY_LIMIT_TABLE);
