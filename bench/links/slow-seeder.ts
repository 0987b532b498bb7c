/** (d) A seeder at 1 % of the others' speed among three good ones. */
import { type Case, makeModel, median, openLinks, type Row } from './bench-case.ts';
import { timeWith } from './four-peers.ts';

const GOOD = ['one', 'two', 'three'];

export const slowSeeder: Case = {
  about: 'a seeder at 1 % speed among three good ones: × without it',
  async run(bench): Promise<Row[]> {
    const model = await makeModel(bench, 300_000_000);
    const peer = { upMbits: 100, downMbits: 100, delayMs: 2 };
    await using links = await openLinks(bench.folder, {
      ...Object.fromEntries(GOOD.map((name) => [name, peer])),
      slow: { ...peer, upMbits: 1 },
      puller: { upMbits: 1000, downMbits: 1000 },
    });
    const options = { folder: bench.folder, machines: links.machines, file: model.path, pullers: ['puller'] };
    const without = await timeWith(bench, { ...options, seeders: GOOD });
    const within = await timeWith(bench, { ...options, seeders: [...GOOD, 'slow'] });
    const note = `without ${median(without).toFixed(2)} s, with it ${median(within).toFixed(2)} s`;
    const value = median(within) / median(without);
    return [{ what: 'a slow seeder', value, unit: '× without it', goal: '≤ 1.1', all: within, note }];
  },
};
