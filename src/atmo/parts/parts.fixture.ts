/** A package in parts, in a folder of its own. */
import { join } from 'node:path';
import { MiB } from '../../core/index.ts';
import { SeededBytes } from '../../testkit/seeded-bytes.ts';
import { ArchiveTarget } from '../zip/archive-target.ts';

export const MODEL = new SeededBytes('parts').next(5 * MiB + 77);
export const PART_BYTES = 2 * MiB;

/** `site-v1.atmo` in three parts of 2 MiB, and their index. */
export async function writeParts(folder: string, model = MODEL, partBytes = PART_BYTES): Promise<string[]> {
  const path = join(folder, 'site-v1.atmo');
  await using target = new ArchiveTarget({ path, created: new Date('2026-03-04T05:06:08Z'), partBytes });
  await target.reserve('manifest.yaml', 12);
  await target.add({ path: 'models/a.onnx', sizeBytes: model.length, content: model });
  await target.fill('manifest.yaml', Buffer.from('package: {}\n'));
  return (await target.finish()).map((file) => file.path);
}
