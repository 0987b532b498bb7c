/** The troubles of the demo, and of the end-to-end tests: real ones, made from outside the program. */
import { open, readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { MiB } from '../src/core/index.ts';
import type { DevNode } from '../src/testkit/processes.ts';

const POLL_MS = 2;
const PATIENCE_MS = 30_000;

/** Starts a pull and kills the daemon with SIGKILL once a quarter or more of the model is on disk. */
export async function killHalfWay(node: DevNode, model: string): Promise<{ heldBytes: number }> {
  const { sha256, size_bytes: sizeBytes } = await waitForModel(node, model);
  const part = join(node.home, 'parts', sha256, 'data');
  const pull = node.spawn('model', 'pull', model, '--json');
  const deadlineMs = performance.now() + PATIENCE_MS;
  let heldBytes = 0;
  while (heldBytes < sizeBytes / 4) {
    if (performance.now() > deadlineMs)
      throw new Error(`${node.name}: the pull of ${model} did not get a quarter of the way`);
    heldBytes = await bytesOnDisk(part);
    if (heldBytes === 0) await wait(POLL_MS);
  }
  await node.kill();
  pull.kill('SIGKILL');
  return { heldBytes: await bytesOnDisk(part) };
}

/** Changes one byte in every MiB of a stored blob, leaving size and times as they were: what a rotten disk does. */
export async function rotBlob(node: DevNode, sha256: string): Promise<void> {
  const path = join(node.home, 'blobs', 'sha256', sha256.slice(0, 2), sha256);
  const { size, atime, mtime } = await stat(path);
  await using file = await open(path, 'r+');
  const byte = Buffer.alloc(1);
  for (let position = MiB / 2; position < size; position += MiB) {
    await file.read(byte, 0, 1, position);
    byte[0] = (byte[0] ?? 0) ^ 0xff;
    await file.write(byte, 0, 1, position);
  }
  await utimes(path, atime, mtime);
}

/** The model's row as the node sees it in the mesh, once it does. */
export async function waitForModel(node: DevNode, model: string): Promise<{ sha256: string; size_bytes: number }> {
  const deadlineMs = performance.now() + PATIENCE_MS;
  for (;;) {
    const { models } = await node.json<{ models: { model_id: string; sha256: string; size_bytes: number }[] }>(
      'model',
      'list',
      '--mesh',
    );
    const found = models.find((row) => row.model_id === model);
    if (found !== undefined) return found;
    if (performance.now() > deadlineMs) throw new Error(`${node.name} does not see ${model}`);
  }
}

async function bytesOnDisk(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found === undefined ? 0 : found.blocks * 512;
}

/** The final file of a model, as the command line names it. */
export async function readModelFile(node: DevNode, model: string): Promise<Buffer> {
  const { path } = await node.json<{ path: string }>('model', 'path', model);
  return readFile(path);
}
