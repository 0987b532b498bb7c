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
    const { formatSiteInventory, parseSiteInventory } = await import('../../protocol/index.ts');
    const path = resolve(context.io.cwd, output);
    const checked = parseSiteInventory(JSON.stringify(inventory));
    await writeFile(path, formatSiteInventory(checked), { flush: true });
    const counts = { models: checked.models.length, packages: checked.packages.length };
    context.out.answer({ path, ...counts }, () => [`${path}  ${counts.models} models, ${counts.packages} packages`]);
    return 0;
  },
};
