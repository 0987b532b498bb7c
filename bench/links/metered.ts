/** (e) A background transfer beside a call: what it does to the round trips of small packets on the same uplink. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { eventually } from '../../src/testkit/eventually.ts';
import type { LinkedMachine } from '../../src/testkit/links/link-network.ts';
import { type Bench, type Case, makeModel, openLinks, percentile, type Row, say } from './bench-case.ts';
import { MeshOnLinks, sentBytes } from './mesh-on-links.ts';
import { openNginx } from './nginx-machine.ts';

const PORT = 9999;
const PROBE = join(import.meta.dirname, 'probe.ts');

/** A home's line: the modem holds a third of a second of what goes up, as many do. BBR would not fill it; Reno does, as CUBIC of most machines. */
const HOME = { upMbits: 5, downMbits: 50, delayMs: 10, bufferMs: 300, congestion: 'reno' } as const;

export const metered: Case = {
  about: 'uploading under `metered` beside a latency probe on the same uplink: growth of its 95th percentile',
  async run(bench): Promise<Row[]> {
    // More than 10 MB, or the profile lets it pass; too much to end before the probe does.
    const model = await makeModel({ ...bench, isQuick: false }, 200_000_000);
    await using links = await openLinks(bench.folder, {
      home: HOME,
      away: { upMbits: 100, downMbits: 100, delayMs: 5 },
    });
    const [home, away] = [links.machine('home'), links.machine('away')];
    const echo = spawnWithin(away, ['serve', String(PORT)]);
    await once(echo.stdout, 'data');
    try {
      const seconds = bench.isQuick ? 10 : 30;
      const idle = await probe(home, away, seconds);
      const beside = await besideCurl(bench, model.path, { home, away, seconds });
      const options = { folder: bench.folder, machines: links.machines, file: model.path };
      await using mesh = await MeshOnLinks.open({ ...options, seeders: ['home'], pullers: ['away'] });
      await mesh.node('home').json('transfers', 'limit', '--profile', 'metered');
      const pull = mesh.node('away').spawn('model', 'pull', 'bench/model', '--quiet');
      await eventually(
        () => sentBytes(mesh.node('home')),
        (bytes) => bytes > 1_000_000,
      );
      const before = await sentBytes(mesh.node('home'));
      const ours = await probe(home, away, seconds);
      const sent = (((await sentBytes(mesh.node('home'))) - before) * 8) / seconds / 1e6;
      pull.kill('SIGTERM');
      const p95 = (all: readonly number[]) => percentile(all, 0.95);
      say(`p95: idle ${p95(idle).toFixed(1)} ms, curl ${p95(beside).toFixed(1)} ms, ours ${p95(ours).toFixed(1)} ms`);
      return [
        { what: 'nobody else', value: p95(idle), unit: 'ms' },
        { what: 'growth beside curl from nginx', value: p95(beside) - p95(idle), unit: 'ms' },
        {
          what: 'growth beside atmosphere, metered',
          value: p95(ours) - p95(idle),
          unit: 'ms',
          goal: '< 50',
          note: `it sent ${sent.toFixed(2)} Mbit/s meanwhile`,
        },
      ];
    } finally {
      echo.kill('SIGTERM');
    }
  },
};

interface Ends {
  readonly home: LinkedMachine;
  readonly away: LinkedMachine;
  readonly seconds: number;
}

async function besideCurl(bench: Bench, file: string, { home, away, seconds }: Ends): Promise<number[]> {
  await using nginx = await openNginx(home, bench.folder);
  const [program = '', ...args] = [...away.within, 'curl', '-s', '-o', '/dev/null', nginx.urlOf(file)];
  const curl = spawn(program, args, { stdio: 'ignore' });
  const roundTrips = await probe(home, away, seconds);
  curl.kill('SIGTERM');
  await once(curl, 'exit');
  return roundTrips;
}

async function probe(from: LinkedMachine, to: LinkedMachine, seconds: number): Promise<number[]> {
  const child = spawnWithin(from, ['ask', to.address, String(PORT), String(seconds)]);
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(child, 'close');
  const { roundTripsMs, lost } = JSON.parse(text) as { roundTripsMs: number[]; lost: number };
  // A packet that was lost was late beyond all use.
  return [...roundTripsMs, ...Array.from({ length: lost }, () => 2000)];
}

function spawnWithin(machine: LinkedMachine, args: readonly string[]) {
  const [program = '', ...rest] = [...machine.within, process.execPath, PROBE, ...args];
  return spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'] });
}
