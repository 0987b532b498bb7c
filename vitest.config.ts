import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'tools/**/*.test.ts', 'chaos/**/*.test.ts'],
    pool: 'forks',
    // Vitest would leave a core free, and half of a small machine idle.
    maxWorkers: 2,
    // A process for each of three hundred files would load the same modules anew: a third of all the time.
    isolate: false,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    reporters: ['default'],
  },
});
