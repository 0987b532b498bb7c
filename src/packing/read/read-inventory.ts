/** An inventory that somebody brought along. Spec: docs/spec/21-packages.md §12. */
import { messageOf } from '../../core/index.ts';
import { PROTOCOL_LIMITS, ProtocolError, parseSiteInventory, type SiteInventory } from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';
import { readSmallFile } from './read-small-file.ts';

/** Throws PackingError `bad_inventory`, `folder_unreadable`. */
export async function readInventory(path: string): Promise<SiteInventory> {
  const bytes = await readSmallFile(path, PROTOCOL_LIMITS.inventoryBytes);
  try {
    return parseSiteInventory(bytes);
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause;
    throw new PackingError('bad_inventory', `Reading ${path}: ${messageOf(cause)}`, { cause });
  }
}
