#!/usr/bin/env node
/** The bin: the only file that knows the process, its signals and its exit code. */
import module from 'node:module';
import { setFlagsFromString } from 'node:v8';

// Before any other file is read: an older Node.js understands none of them, and its own words would help nobody.
if (Number.parseInt(process.versions.node, 10) < 24) {
  process.stderr.write(`error: Node.js 24 or newer is needed; found: v${process.versions.node}\n`);
  process.stderr.write('try: npm install --global node@24\n');
  process.exit(1);
}
// Node 24 can hang in its exit while a thread of V8 compiles (nodejs/node#54918); without that thread it cannot.
setFlagsFromString('--no-concurrent-sparkplug');
// For commands, which live shortly: what is kept of it costs a daemon 10 MB for as long as it runs.
if (process.argv[2] !== 'up') module.enableCompileCache?.();
// They move gigabytes, and are to have no more than a small machine has.
if (process.argv.includes('package')) (await import('./lean-memory.ts')).keepMemoryLean();
const { runProcess } = await import('./process-run.ts');
await runProcess(async (config) => {
  (await import('./lean-memory.ts')).keepMemoryLean();
  return (await import('../daemon/index.ts')).openDaemon(config);
});
