/**
 * The folder of one daemon, and who may read it: the owner alone (0700).
 *
 *     node.key, authority.key, mesh.json   identity (trust)
 *     run/                                 lock, local token, where the daemon listens
 *     db/atmosphere.sqlite                 what the daemon knows (registry)
 *     audit-head.json                      where the audit log ended last
 *     blobs/, parts/                       content it stores (store)
 *     differences/                         differences being made, files between two of a chain; emptied at each start
 *     models/registry.yaml, models/mesh.yaml, models/files/  what people and runtimes read
 *     logs/
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, readlink, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCodeOf } from '../core/index.ts';
import { NodeError } from './errors.ts';

export interface Home {
  readonly folder: string;
  readonly database: string;
  readonly store: string;
  readonly differences: string;
  readonly registryView: string;
  readonly meshView: string;
  readonly tokenFile: string;
  /** Where the audit log ended, kept apart from it. */
  readonly auditHead: string;
}

/** Makes what is missing. Throws NodeError `home_unusable`. */
export async function openHome(folder: string): Promise<Home> {
  const home: Home = {
    folder,
    database: join(folder, 'db', 'atmosphere.sqlite'),
    store: folder,
    differences: join(folder, 'differences'),
    registryView: join(folder, 'models', 'registry.yaml'),
    meshView: join(folder, 'models', 'mesh.yaml'),
    tokenFile: join(folder, 'run', 'token'),
    auditHead: join(folder, 'audit-head.json'),
  };
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
    for (const name of ['run', 'db', 'models', 'logs'])
      await mkdir(join(folder, name), { recursive: true, mode: 0o700 });
  } catch (cause) {
    const problem = systemCodeOf(cause) ?? 'unknown';
    throw new NodeError('home_unusable', `Opening the home ${folder}: ${problem}, wanted a folder that I may write`, {
      cause,
    });
  }
  return home;
}

/** The secret that the owner's tools show on loopback: made anew at every start, readable by the owner alone. */
export async function writeLocalToken(home: Home): Promise<string> {
  const token = randomBytes(32).toString('base64url');
  const temporary = `${home.tokenFile}.${process.pid}`;
  await writeFile(temporary, `${token}\n`, { mode: 0o600 });
  await rename(temporary, home.tokenFile);
  return token;
}

/** Something that is equal for processes that share a loopback interface, and differs by boot. */
export async function readMachineMark(): Promise<string | undefined> {
  try {
    const bootId = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
    return `${bootId.trim()} ${await readlink('/proc/self/ns/net')}`;
  } catch {
    return undefined;
  }
}
