/** (c) One seeder and 15 downloaders at once on links of one rate each way; a tenth of the same by curl from the seeder. */
import { join } from 'node:path';
import { type Bench, type Case, makeModel, openLinks, type Row, say } from './bench-case.ts';
import { MeshOnLinks, sentBytes } from './mesh-on-links.ts';
import { openNginx, timeCurl } from './nginx-machine.ts';

const PULLERS = Array.from({ length: 15 }, (_, index) => `n${index + 1}`);
/** Fifteen whole files on one uplink would take eight minutes, and tell the same. */
const CURL_SHARE = 0.1;

interface Swarm {
  readonly mbits: number;
  readonly sizeBytes: number;
  readonly isBesideCurl: boolean;
}

/** The second one moves a fifth as much in a second: where it is better, the first one had too little processor. */
const SWARMS: readonly Swarm[] = [
  { mbits: 50, sizeBytes: 200_000_000, isBesideCurl: true },
  { mbits: 10, sizeBytes: 100_000_000, isBesideCurl: false },
];

export const fifteen: Case = {
  about: '1 seeder → 15 downloaders, 50 Mbit/s each way, 200 MB: last one done, copies sent',
  async run(bench): Promise<Row[]> {
    const rows: Row[] = [];
    for (const swarm of SWARMS) rows.push(...(await measure(bench, swarm)));
    return rows;
  },
};

async function measure(bench: Bench, { mbits, sizeBytes, isBesideCurl }: Swarm): Promise<Row[]> {
  const model = await makeModel(bench, sizeBytes);
  // No wire of delay: sixteen of them would take a third of two cores.
  const link = { upMbits: mbits, downMbits: mbits };
  const names = ['seeder', ...PULLERS];
  await using links = await openLinks(bench.folder, Object.fromEntries(names.map((name) => [name, link])));
  const bestSeconds = (model.sizeBytes * 8) / (mbits * 1e6);
  const ours = await pullAll();
  const rows = [
    row('atmosphere: last one done', ours.seconds, { goal: '≤ 1.4' }),
    { what: `${mbits} Mbit/s, atmosphere: copies sent`, value: ours.copies, unit: 'copies', goal: '≤ 1.2' },
  ];
  if (isBesideCurl)
    rows.push(row('curl, a tenth of the file each: last one done', await curlAll(), { share: CURL_SHARE }));
  return rows;

  function row(what: string, seconds: readonly number[], { share = 1, goal }: { share?: number; goal?: string }): Row {
    const [last, best] = [Math.max(...seconds), bestSeconds * share];
    const note = `${last.toFixed(1)} s; size / link is ${best.toFixed(1)} s`;
    const value = last / best;
    return {
      what: `${mbits} Mbit/s, ${what}`,
      value,
      unit: '× size / link',
      all: seconds,
      note,
      ...(goal && { goal }),
    };
  }

  async function pullAll() {
    const options = { folder: bench.folder, machines: links.machines, file: model.path };
    await using mesh = await MeshOnLinks.open({ ...options, seeders: ['seeder'], pullers: PULLERS });
    const before = await sentBytes(mesh.node('seeder'));
    const seconds = await Promise.all(PULLERS.map((name) => mesh.timePull(name)));
    const copies = ((await sentBytes(mesh.node('seeder'))) - before) / model.sizeBytes;
    say(`${mbits} Mbit/s: ${seconds.map((each) => each.toFixed(1)).join(' ')} s, ${copies.toFixed(2)} copies`);
    return { seconds, copies };
  }

  async function curlAll() {
    await using nginx = await openNginx(links.machine('seeder'), bench.folder);
    const slice = `0-${Math.round(model.sizeBytes * CURL_SHARE) - 1}`;
    const curl = (name: string) =>
      timeCurl(links.machine(name), nginx.urlOf(model.path), join(bench.folder, `out-${name}`), '-r', slice);
    const seconds = await Promise.all(PULLERS.map(curl));
    say(`curl: ${seconds.map((each) => each.toFixed(1)).join(' ')} s`);
    return seconds;
  }
}
