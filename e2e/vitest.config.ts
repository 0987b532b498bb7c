import { defineConfig } from 'vitest/config';
import { whyNoIslands } from './islands.ts';

const ISLANDS = ['11-relay', '12-paths', '14-websocket', '15-comings-and-goings', '22-packages'];
const why = whyNoIslands();
if (why !== undefined)
  process.stderr.write(
    `\nNOT RUN: journeys ${ISLANDS.join(', ')}. They need root on Linux and network namespaces: ${why}\n\n`,
  );

export default defineConfig({
  test: {
    include: ['e2e/**/*.test.ts'],
    exclude: why === undefined ? [] : ISLANDS.map((name) => `e2e/${name}.test.ts`),
    pool: 'forks',
    // Much of a journey is waiting: for a stall to be seen, a cable, a limit.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    teardownTimeout: 20_000,
  },
});
