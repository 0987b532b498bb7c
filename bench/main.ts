/** `npm run bench -- NAME [ARGS]`: runs one benchmark in a process of its own; without a name, says which there are. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const BENCHMARKS = {
  pull: { script: 'pull/main.ts', about: 'a verified pull beside curl and aria2c, disk to disk' },
  serve: { script: 'serve/run.ts', about: 'the HTTP edge beside nginx' },
  lane: { script: 'lane/run.ts', about: 'the download engine alone' },
  sources: {
    script: 'sources/run.ts',
    about: 'mesh streams, direct and through a circuit relay, beside the engine alone',
  },
  websocket: { script: 'websocket/run.ts', about: 'transfers over a WebSocket, direct and relayed, beside ws alone' },
  resume: { script: 'resume/main.ts', about: 'a pull of 100 GB that goes on after kill -9' },
  idle: { script: 'idle/main.ts', about: 'what seeding 1,000 models costs while nobody asks' },
  inventory: { script: 'inventory/run.ts', about: 'listing and hashing a cache of 10,000 files' },
  import: { script: 'inventory/daemon.ts', about: 'the same cache through a real daemon' },
  swarm: { script: 'swarm/run.ts', about: 'simulated swarms of up to 10,000 nodes beside what no scheduler can beat' },
  rollout: { script: 'rollout/run.ts', about: 'staged rollouts over 1,000 simulated nodes, with their laws' },
  links: { script: 'links/run.ts', about: 'transfers over links with bandwidth, delay and loss, beside curl' },
  relay: { script: 'relay/run.ts', about: 'TLS through the splice relay beside TLS without it' },
  deploy: {
    script: 'deploy/run.ts',
    about: 'a model onto a fleet of real daemons, beside a loop of curl; what deciding costs',
  },
  difference: {
    script: 'difference/run.ts',
    about: 'differences of a model, made and applied, beside zstd, xdelta3, bsdiff and chunks',
  },
  package: {
    script: 'package/run.ts',
    about: 'packages of 20 GiB, made, verified and installed, beside cp and sha256sum',
  },
  probe: { script: 'deploy/probe.ts', about: 'trying an ONNX model in a process of its own, by its size' },
} as const;

const [name, ...args] = process.argv.slice(2);
const benchmark = Object.entries(BENCHMARKS).find(([known]) => known === name)?.[1];
if (benchmark === undefined) {
  console.log('usage: npm run bench -- NAME [ARGS]\n');
  for (const [known, { script, about }] of Object.entries(BENCHMARKS))
    console.log(`  ${known.padEnd(10)} ${about} (bench/${script})`);
  process.exitCode = name === undefined ? 0 : 2;
} else {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, benchmark.script), ...args], {
    stdio: 'inherit',
  });
  process.exitCode = status ?? 1;
}
