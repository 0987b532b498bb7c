#!/usr/bin/env node
/** The bin: the only file that knows the process, its signals and its exit code. */
import { enableCompileCache } from 'node:module';

// For commands, which live shortly: what is kept of it costs a daemon 10 MB for as long as it runs.
if (process.argv[2] !== 'up') enableCompileCache?.();
const { runProcess } = await import('./process-run.ts');
await runProcess(async (config) => {
  (await import('./lean-memory.ts')).keepMemoryLean();
  return (await import('../daemon/index.ts')).openDaemon(config);
});
