import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { CommandSpec } from '../command.ts';

interface InventoryOptions {
  readonly output?: string;
}

export const packageInventory: CommandSpec<InventoryOptions> = {
  usage: 'inventory',
  about: 'What this site has, to take along: packages that are made against it hold only what differs',
  examples: [
    'atmosphere package inventory --output /media/usb/site-7.json',
    'atmosphere package export production-inspection --since /media/usb/site-7.json --output /media/usb/',
  ],
  options: [{ flags: '--output <file>', about: 'where to write it (default: to stdout)' }],
  async run(context, { options: { output } }) {
    const inventory = await context.call('packageInventory');
    if (output === undefined) {
      context.out.event(inventory);
      return 0;
    }
    const path = resolve(context.io.cwd, output);
    await writeFile(path, `${JSON.stringify(inventory, undefined, 1)}\n`, { flush: true });
    const { models, packages } = inventory as { models?: unknown[]; packages?: unknown[] };
    const counts = { models: models?.length ?? 0, packages: packages?.length ?? 0 };
    context.out.answer({ path, ...counts }, () => [`${path}  ${counts.models} models, ${counts.packages} packages`]);
    return 0;
  },
};
