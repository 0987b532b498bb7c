/** (a) One peer beside curl and aria2 from nginx, on clean, lossy, near and far links. */
import { join } from 'node:path';
import { type Bench, type Case, makeModel, median, openLinks, type Row, say } from './bench-case.ts';
import { MeshOnLinks } from './mesh-on-links.ts';
import { openNginx, timeAria2, timeCurl } from './nginx-machine.ts';

interface Path {
  readonly mbits: keyof typeof SECONDS_OF_FILE;
  readonly loss: number;
  readonly roundTripMs: number;
}

/** What the file takes at the link's rate: long enough that starting and ending are little of it, a gigabyte at most. */
const SECONDS_OF_FILE = { 100: 16, 1000: 8 } as const;

const PATHS: readonly Path[] = ([100, 1000] as const).flatMap((mbits) =>
  [0, 0.01].flatMap((loss) => [1, 50].map((roundTripMs) => ({ mbits, loss, roundTripMs }))),
);

export const onePeer: Case = {
  about: 'one peer, 100 Mbit/s and 1 Gbit/s, 0 / 1 % loss, 1 / 50 ms: × curl',
  async run(bench) {
    const rows: Row[] = [];
    for (const path of PATHS) rows.push(await measure(bench, path));
    return rows;
  },
};

async function measure(bench: Bench, { mbits, loss, roundTripMs }: Path): Promise<Row> {
  const model = await makeModel(bench, mbits * 125_000 * SECONDS_OF_FILE[mbits]);
  const link = { upMbits: mbits, downMbits: mbits };
  await using links = await openLinks(bench.folder, {
    seeder: link,
    puller: { ...link, loss, delayMs: roundTripMs / 2 },
  });
  await using nginx = await openNginx(links.machine('seeder'), bench.folder);
  const names = { seeders: ['seeder'], pullers: ['puller'] };
  await using mesh = await MeshOnLinks.open({
    folder: bench.folder,
    machines: links.machines,
    file: model.path,
    ...names,
  });
  const [curl, aria2, ours]: [number[], number[], number[]] = [[], [], []];
  const url = nginx.urlOf(model.path);
  const out = join(bench.folder, 'out');
  const what = `${mbits} Mbit/s, ${loss * 100} % loss, ${roundTripMs} ms`;
  for (let run = 0; run < bench.runs; run += 1) {
    curl.push(await timeCurl(links.machine('puller'), url, out));
    aria2.push(await timeAria2(links.machine('puller'), url, out));
    ours.push(await mesh.timePull('puller'));
    await mesh.forget('puller');
    const last = (name: string, all: number[]) => `${name} ${all.at(-1)?.toFixed(2)} s`;
    say(`${what}: ${last('curl', curl)}, ${last('aria2', aria2)}, ${last('atmosphere', ours)}`);
  }
  const rate = (seconds: number) => `${((model.sizeBytes * 8) / seconds / 1e6).toFixed(0)} Mbit/s`;
  return {
    what,
    value: median(curl) / median(ours),
    unit: '× curl',
    goal: loss === 0 ? '≥ 0.95' : '≥ 1',
    all: ours,
    note: `curl ${rate(median(curl))}, aria2 -x8 ${rate(median(aria2))}, atmosphere ${rate(median(ours))}`,
  };
}
