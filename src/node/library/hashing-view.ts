/** How much of what was found is still to be read: for people who wait for their models to be offered. */
import type { Status } from '../../api/index.ts';
import type { Inventory } from '../../inventory/index.ts';

export type HashingView = Status['hashing'];

/** What is found and not read to its end yet. */
export function hashingOf(inventory: Pick<Inventory, 'models' | 'hashState'>): HashingView {
  const left = { files: 0, bytes: 0, current: null as string | null };
  for (const { fingerprint } of inventory.models().flatMap((model) => model.files)) {
    const state = inventory.hashState(fingerprint);
    if (state?.status !== 'waiting' && state?.status !== 'hashing') continue;
    left.files += 1;
    left.bytes += fingerprint.sizeBytes - (state.status === 'hashing' ? state.doneBytes : 0);
    if (state.status === 'hashing') left.current = fingerprint.path;
  }
  return { files_left: left.files, bytes_left: left.bytes, current: left.current };
}
