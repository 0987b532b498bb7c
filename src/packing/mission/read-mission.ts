/** A mission’s folder: what lies in it, and its mission.yaml where it has one. Spec: docs/spec/21-packages.md §13. */
import { readFile } from 'node:fs/promises';
import { messageOf } from '../../core/index.ts';
import { isJsonObject, type Mission, PROTOCOL_LIMITS, parseMission, parseYamlText } from '../../protocol/index.ts';
import { PackingError } from '../errors.ts';
import { type FolderFile, readMissionFolder } from './read-folder.ts';

export const MISSION_FILE = 'mission.yaml';

export interface MissionFolder {
  readonly folder: string;
  readonly files: readonly FolderFile[];
  /** Without it the layout says everything. */
  readonly mission: Mission | undefined;
  /** Lists that stand in mission.yaml; the others are what lies in the folders of their names. */
  readonly said: ReadonlySet<string>;
  /** From 1: the line of an entry of mission.yaml. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** Throws PackingError `folder_unreadable`, `bad_mission`; ProtocolError `bad_document` with every mistake of mission.yaml. */
export async function readMission(folder: string): Promise<MissionFolder> {
  const files = await readMissionFolder(folder);
  const own = files.find(({ path }) => path === MISSION_FILE);
  if (own === undefined) return { folder, files, mission: undefined, said: new Set(), lineOf: () => 1 };
  if (own.sizeBytes > PROTOCOL_LIMITS.missionBytes)
    throw new PackingError(
      'bad_mission',
      `Reading ${own.file}: it has ${own.sizeBytes} bytes, wanted at most ${PROTOCOL_LIMITS.missionBytes}`,
    );
  const text = await readText(own.file);
  const mission = parseMission(text);
  const { value, placeOf } = parseYamlText(text, {
    what: MISSION_FILE,
    maxBytes: PROTOCOL_LIMITS.missionBytes,
    isText: () => true,
  });
  const said = new Set(isJsonObject(value) ? Object.keys(value) : []);
  return { folder, files, mission, said, lineOf: (path) => placeOf(path).line };
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new PackingError('folder_unreadable', `Reading ${file}: ${messageOf(cause)}`, { cause });
  }
}
