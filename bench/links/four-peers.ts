/** (b) Four peers with 100 Mbit/s uplinks each, one downloader at 1 Gbit/s. */
import { type Bench, type Case, makeModel, median, openLinks, type Row, say } from './bench-case.ts';
import { MeshOnLinks } from './mesh-on-links.ts';

const PEERS = ['one', 'two', 'three', 'four'];

export const fourPeers: Case = {
  about: 'four peers with uplinks of 100 Mbit/s and one downloader of 1 Gbit/s: × one peer',
  async run(bench): Promise<Row[]> {
    const model = await makeModel(bench, 400_000_000);
    const peer = { upMbits: 100, downMbits: 100, delayMs: 2 };
    await using links = await openLinks(bench.folder, {
      ...Object.fromEntries(PEERS.map((name) => [name, peer])),
      puller: { upMbits: 1000, downMbits: 1000 },
    });
    const options = { folder: bench.folder, machines: links.machines, file: model.path };
    const alone = await timeWith(bench, { ...options, seeders: PEERS.slice(0, 1), pullers: ['puller'] });
    const four = await timeWith(bench, { ...options, seeders: PEERS, pullers: ['puller'] });
    const note = `one ${median(alone).toFixed(2)} s, four ${median(four).toFixed(2)} s`;
    return [
      { what: '4 peers', value: median(alone) / median(four), unit: '× one peer', goal: '≥ 3.7', all: four, note },
    ];
  },
};

export async function timeWith(bench: Bench, options: Parameters<typeof MeshOnLinks.open>[0]): Promise<number[]> {
  await using mesh = await MeshOnLinks.open(options);
  const times: number[] = [];
  for (let run = 0; run < bench.runs; run += 1) {
    times.push(await mesh.timePull('puller'));
    await mesh.forget('puller');
    say(`${options.seeders.length} peers: ${times.at(-1)?.toFixed(2)} s`);
  }
  return times;
}
