/** Every migration in order: number n is at place n − 1. SQL lives in modules so that the build carries it. */
import { INITIAL_SQL } from './001-initial.ts';
import { PAUSED_TRANSFERS_SQL } from './002-paused-transfers.ts';
import { DEPLOYMENT_SQL } from './003-deployment.ts';
import { PACKAGES_SQL } from './004-packages.ts';

export const MIGRATIONS: readonly string[] = [INITIAL_SQL, PAUSED_TRANSFERS_SQL, DEPLOYMENT_SQL, PACKAGES_SQL];
