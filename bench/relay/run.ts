/** `node bench/relay/run.ts [--size MiB] [--runs N] [--out FILE]`: TLS through the splice relay beside TLS without it. See README.md. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1024' },
    runs: { type: 'string', default: '5' },
    out: { type: 'string', default: join(import.meta.dirname, 'result.json') },
  },
});
const sizeBytes = Number(values.size) * 1024 * 1024;
const children: ChildProcess[] = [];

async function start(role: string, relayPort: number): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(join(import.meta.dirname, 'part.ts'), [role, JSON.stringify({ relayPort, sizeBytes })]);
  children.push(child);
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { child, port };
}

/** User and system time of a process, from the kernel, in hundredths of a second. */
function cpuSecondsOf({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

function median(numbers: readonly number[]): number {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

const relay = await start('relay', 0);
const holder = await start('holder', relay.port);
const asker = await start('asker', relay.port);

async function measure(way: 'direct' | 'relay'): Promise<{ seconds: number; relayCpuSeconds: number }> {
  const before = cpuSecondsOf(relay.child);
  asker.child.send({ way, directPort: holder.port });
  const [{ seconds, bytes }] = (await once(asker.child, 'message')) as [{ seconds: number; bytes: number }];
  if (bytes !== sizeBytes) throw new Error(`${way}: ${bytes} bytes of ${sizeBytes} came`);
  return { seconds, relayCpuSeconds: cpuSecondsOf(relay.child) - before };
}

const loadBefore = loadavg()[0];
const runs: { direct: number; relay: number; relayCpuSeconds: number; ratio: number }[] = [];
for (let run = -1; run < Number(values.runs); run += 1) {
  const direct = await measure('direct');
  const relayed = await measure('relay');
  // The first warms both up.
  if (run < 0) continue;
  const ratio = direct.seconds / relayed.seconds;
  runs.push({ direct: direct.seconds, relay: relayed.seconds, relayCpuSeconds: relayed.relayCpuSeconds, ratio });
  console.log(
    `direct ${direct.seconds.toFixed(2)} s, relay ${relayed.seconds.toFixed(2)} s, ratio ${ratio.toFixed(2)}`,
  );
}
for (const child of children) child.disconnect();
const mibs = sizeBytes / 1024 / 1024;
const result = {
  sizeBytes,
  cores: cpus().length,
  loadBefore,
  directMibPerSecond: mibs / median(runs.map(({ direct }) => direct)),
  relayMibPerSecond: mibs / median(runs.map(({ relay: seconds }) => seconds)),
  ratioMedian: median(runs.map(({ ratio }) => ratio)),
  ratioBest: Math.max(...runs.map(({ ratio }) => ratio)),
  relayCpuSecondsPerGib: (median(runs.map(({ relayCpuSeconds }) => relayCpuSeconds)) * 1024) / mibs,
  runs,
};
writeFileSync(values.out, `${JSON.stringify(result, null, 2)}\n`);
console.log(
  `ratio ${result.ratioMedian.toFixed(2)} (goal: 0.6), relay CPU ${result.relayCpuSecondsPerGib.toFixed(2)} s/GiB`,
);
