import { stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf } from '../../core/index.ts';
import type { CommandSpec } from '../command.ts';
import { CliError } from '../errors.ts';

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
  options: [
    {
      flags: '--output <path>',
      about: 'file to write, or folder to write NODE.inventory.json into (default: to stdout)',
    },
  ],
  async run(context, { options: { output } }) {
    const inventory = await context.call('packageInventory');
    if (output === undefined) {
      context.out.event(inventory);
      return 0;
    }
    const { formatSiteInventory, parseSiteInventory } = await import('../../protocol/index.ts');
    const checked = parseSiteInventory(JSON.stringify(inventory));
    const path = await placeOf(resolve(context.io.cwd, output), checked.node_name);
    await write(path, formatSiteInventory(checked));
    const counts = { models: checked.models.length, packages: checked.packages.length };
    context.out.answer({ path, ...counts }, () => [`${path}  ${counts.models} models, ${counts.packages} packages`]);
    return 0;
  },
};

/** In a folder it is called as its node, so that those of several sites may lie side by side. */
async function placeOf(path: string, nodeName: string): Promise<string> {
  const stats = await stat(path).catch(() => undefined);
  if (stats?.isDirectory() !== true) return path;
  const name = nodeName.replace(/[^A-Za-z0-9_.-]+/g, '-').replace(/^[-.]+/, '');
  return join(path, `${name === '' ? 'site' : name}.inventory.json`);
}

async function write(path: string, text: string): Promise<void> {
  try {
    await writeFile(path, text, { flush: true });
  } catch (cause) {
    throw new CliError('output_unusable', `Writing the inventory to ${path}: ${messageOf(cause)}`, { cause });
  }
}
