/**
 * Which version of a model is in force: the link `models/files/<model>/current`, which runtimes open. It is changed by one rename, so
 * that it names the old folder or the new one at every moment. Spec: docs/spec/06-store.md §7.
 */
import { readlink, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ModelId } from '../core/index.ts';
import { toStoreError } from './errors.ts';
import { isAbsence, syncFolder } from './files.ts';
import { swapLink } from './linked-folder.ts';
import { buildingPath, CURRENT, type ModelPlace, modelFolder } from './model-links.ts';

/** Puts a version's folder in force. Nothing happens where it is. */
export async function linkCurrent(place: ModelPlace): Promise<void> {
  const folder = modelFolder(place);
  const link = join(dirname(folder), CURRENT);
  try {
    if ((await readCurrent(place.home, place.modelId)) === basename(folder)) return;
    await swapLink(link, basename(folder), buildingPath(place.home));
  } catch (thrown) {
    throw toStoreError(`Putting ${place.modelId}@${place.version} in force`, thrown);
  }
}

/** Nothing of the model is in force any more; so it may have been. */
export async function unlinkCurrent(home: string, modelId: ModelId): Promise<void> {
  const link = currentLink(home, modelId);
  try {
    await rm(link, { force: true });
    await syncFolder(dirname(link)).catch((thrown: unknown) => {
      if (!isAbsence(thrown)) throw thrown;
    });
  } catch (thrown) {
    throw toStoreError(`Taking ${modelId} out of force`, thrown);
  }
}

/** The name of the folder in force. */
export async function readCurrent(home: string, modelId: ModelId): Promise<string | undefined> {
  try {
    return await readlink(currentLink(home, modelId));
  } catch (thrown) {
    if (isAbsence(thrown)) return undefined;
    throw toStoreError(`Reading what of ${modelId} is in force`, thrown);
  }
}

/** Where runtimes look. */
export function currentLink(home: string, modelId: ModelId): string {
  return join(dirname(modelFolder({ home, modelId, version: CURRENT })), CURRENT);
}
