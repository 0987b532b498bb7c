/** A small file of a package whole, within its limit. */
import { AtmoError, type PackageSource } from '../../atmo/index.ts';
import { PROTOCOL_LIMITS } from '../../protocol/index.ts';

/** Throws AtmoError `member_not_found`, `too_large`, `unreadable`, `truncated`. */
export async function readMember(source: PackageSource, path: string): Promise<Buffer> {
  const entry = source.entries.find((one) => one.path === path);
  if (entry === undefined) throw new AtmoError('member_not_found', `Reading ${source.name}: it has no ${path}`);
  if (entry.sizeBytes > PROTOCOL_LIMITS.packageManifestBytes)
    throw new AtmoError(
      'too_large',
      `Reading ${path} of ${source.name}: ${entry.sizeBytes} bytes, at most ${PROTOCOL_LIMITS.packageManifestBytes}`,
    );
  const bytes = Buffer.alloc(entry.sizeBytes);
  for (let at = 0; at < bytes.length; ) {
    const count = await source.read(path, bytes.subarray(at), at);
    if (count === 0) throw new AtmoError('truncated', `Reading ${path} of ${source.name}: it ends after ${at} bytes`);
    at += count;
  }
  return bytes;
}
