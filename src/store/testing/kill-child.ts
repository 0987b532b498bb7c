/** Writes pieces without end, telling each committed one, until it is killed. Started by disk-blob-store.test.ts. */
import { randomBytes } from 'node:crypto';
import { writeSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MiB } from '../../core/index.ts';
import { createMemoryBlobIndex, openDiskBlobStore } from '../index.ts';
import { spec64k } from './spec-64k.ts';

const [folder = ''] = process.argv.slice(2);
const content = randomBytes(64 * MiB);
await writeFile(join(folder, 'content'), content);
const store = await openDiskBlobStore({
  folder: join(folder, 'store'),
  index: createMemoryBlobIndex(),
  reserveBytes: 0,
  syncStepBytes: MiB,
  bootId: 'boot-1',
});
const writer = await store.openWrite(spec64k(content));
const { pieceBytes, sizeBytes } = writer.spec;
for (let index = 0; index < sizeBytes / pieceBytes; index += 1) {
  await writer.write(content.subarray(index * pieceBytes, (index + 1) * pieceBytes), index * pieceBytes);
  writer.commitPiece(index);
  writeSync(1, `${index}\n`);
}
