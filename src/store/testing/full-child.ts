/** Runs under a limit on file sizes: a large blob must be `disk_full`, a small one stored. */
import { randomBytes } from 'node:crypto';
import { createMemoryBlobIndex, openDiskBlobStore } from '../index.ts';
import { spec64k } from './spec-64k.ts';

const [folder = ''] = process.argv.slice(2);
const store = await openDiskBlobStore({ folder, index: createMemoryBlobIndex(), reserveBytes: 0 });

async function tryToStore(sizeBytes: number): Promise<string> {
  const content = randomBytes(sizeBytes);
  try {
    await using writer = await store.openWrite(spec64k(content));
    for (let at = 0; at < sizeBytes; at += writer.spec.pieceBytes) {
      await writer.write(content.subarray(at, at + writer.spec.pieceBytes), at);
      writer.commitPiece(at / writer.spec.pieceBytes);
    }
    await writer.finish();
    return 'stored';
  } catch (thrown) {
    return String((thrown as { code?: unknown }).code);
  }
}

process.stdout.write(JSON.stringify({ large: await tryToStore(1_000_000), small: await tryToStore(200_000) }));
