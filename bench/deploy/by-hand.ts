/**
 * What people do without a deployment system: a loop over the hosts that fetches, checks and tries the model on each. Each
 * host is a folder of this machine, and `sh -c` stands where `ssh HOST` would, which costs this side nothing.
 */
import { execFile } from 'node:child_process';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const LOAD = join(import.meta.dirname, 'load-once.ts');

export interface Errand {
  readonly folder: string;
  readonly hosts: readonly string[];
  readonly url: string;
  readonly sha256: string;
  /** How many hosts at once: 1 is the plain loop. */
  readonly atOnce: number;
}

/** Seconds until the model is in force on the last host. */
export async function deployByHand({ folder, hosts, url, sha256, atOnce }: Errand): Promise<number> {
  const homes = hosts.map((host) => join(folder, host));
  await Promise.all(homes.map((home) => rm(home, { recursive: true, force: true })));
  await Promise.all(homes.map((home) => mkdir(home, { recursive: true })));
  const onHost = [
    'set -e; cd "$0"',
    `curl -fsS -o new.onnx '${url}'`,
    `echo '${sha256}  new.onnx' | sha256sum -c --quiet`,
    `'${process.execPath}' '${LOAD}' new.onnx`,
    'mv new.onnx current.onnx',
  ].join('; ');
  const startedMs = performance.now();
  const loop = `printf '%s\\n' ${homes.map((home) => `'${home}'`).join(' ')} | xargs -P ${atOnce} -n 1 sh -c "$0"`;
  await execute('sh', ['-c', loop, onHost]);
  return (performance.now() - startedMs) / 1000;
}
