/** Where a mission lies. Spec: docs/spec/21-packages.md §13. */
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { PackingError } from '../errors.ts';
import { nearClause, nearest } from './near.ts';

export interface MissionQuestion {
  readonly name: string;
  /** The folder itself, where it was said. */
  readonly from?: string | undefined;
  readonly cwd: string;
  readonly home: string;
}

/** The folder: `from`, else `./NAME`, else `missions/NAME` here, else of the home. Throws PackingError `mission_not_found`. */
export async function findMission({ name, from, cwd, home }: MissionQuestion): Promise<string> {
  const places =
    from === undefined
      ? [resolve(cwd, name), resolve(cwd, 'missions', name), join(home, 'missions', name)]
      : [resolve(cwd, from)];
  for (const place of places) if (await isFolder(place)) return place;
  throw new PackingError('mission_not_found', `Looking for the mission ${name}: ${await whereNot(places)}`);
}

async function whereNot(places: readonly string[]): Promise<string> {
  const looked = `there is no folder ${places.join(', nor ')}`;
  const around = await Promise.all(places.map((place) => missionsIn(dirname(place))));
  const near = nearest(basename(places[0] ?? ''), around.flat());
  return near.length === 0 ? looked : `${looked}; ${nearClause(near, '')}`;
}

async function missionsIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  const isMission = await Promise.all(names.map((name) => looksLikeMission(join(folder, name))));
  return names.filter((_, index) => isMission[index]);
}

async function looksLikeMission(folder: string): Promise<boolean> {
  return (await isThere(join(folder, 'mission.yaml'))) || (await isFolder(join(folder, 'models')));
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

async function isFolder(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isDirectory() === true;
}
