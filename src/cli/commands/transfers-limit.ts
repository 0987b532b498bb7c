import type { CommandSpec } from '../command.ts';
import type { LimitOptions } from '../limit-transfers.ts';

export const transfersLimit: CommandSpec<LimitOptions> = {
  usage: 'limit [id]',
  about: 'Show or set how much of the link transfers may have: all, those of one peer, or one transfer',
  examples: [
    'atmosphere transfers limit',
    'atmosphere transfers limit --download 50Mbps --upload 5Mbps',
    'atmosphere transfers limit --profile metered',
    "atmosphere transfers limit --upload 2Mbps --schedule '22:00-06:00 unlimited'",
    'atmosphere transfers limit --peer gpu-box --upload 500kB/s',
    'atmosphere transfers limit org/llama3 --download 5Mbps',
    'atmosphere transfers limit --clear',
  ],
  options: [
    {
      flags: '--profile <profile>',
      about: 'lan: no limit; metered: by size, giving way; custom',
      choices: ['lan', 'metered', 'custom'],
    },
    { flags: '--download <rate>', about: 'like 5Mbps, 500kB/s, 2MiB/s or unlimited' },
    { flags: '--upload <rate>', about: 'the same, of what this node sends' },
    { flags: '--per-peer <rate>', about: 'of each peer by itself, each way' },
    { flags: '--peer <node>', about: 'what --download and --upload are meant for, by name or node id' },
    {
      flags: '--schedule <entry>',
      about: "like '22:00-06:00 unlimited'; may be repeated, replaces all",
      repeats: true,
    },
    { flags: '--yield <when>', about: 'every transfer gives way to other traffic on the link', choices: ['on', 'off'] },
    { flags: '--clear', about: 'no limits any more, of the node, the peer or the transfer' },
  ],
  async run(context, { args: [id], options }) {
    return await (await import('../limit-transfers.ts')).limitTransfers(context, id, options);
  },
};
