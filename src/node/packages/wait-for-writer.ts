/** Content that something else brings at the same time, a pull of the very package mostly: it is waited for. Spec: docs/spec/21-packages.md §8.7. */
import type { Clock, Sha256 } from '../../core/index.ts';
import { type BlobStore, type PartReader, StoreError } from '../../store/index.ts';
import { PACKAGE_LIMITS } from './limits.ts';

export interface BusyOptions {
  readonly store: Pick<BlobStore, 'openPart'>;
  readonly clock: Clock;
  /** For messages. */
  readonly path: string;
  readonly onWait: () => void;
  readonly signal: AbortSignal | undefined;
}

/** Acts, and again while `sha256` is written by others and grows. Throws StoreError `blob_busy` where nothing of it comes any more. */
export async function whenNobodyWrites(
  sha256: Sha256,
  act: () => Promise<void>,
  { store, clock, path, onWait, signal }: BusyOptions,
): Promise<void> {
  let grewAtMs: number | undefined;
  for (;;) {
    try {
      return await act();
    } catch (thrown) {
      if (!(thrown instanceof StoreError) || thrown.code !== 'blob_busy') throw thrown;
      if (grewAtMs === undefined) onWait();
      grewAtMs ??= clock.monotonicMs();
      if (clock.monotonicMs() - grewAtMs >= PACKAGE_LIMITS.busyContentMs) throw stillBusy(path, thrown);
      await using part = await store.openPart(sha256);
      if (await changes(part, clock, signal)) grewAtMs = clock.monotonicMs();
      signal?.throwIfAborted();
    }
  }
}

/** False where nothing of it came in the time after which it is looked at again. */
function changes(part: PartReader | undefined, clock: Clock, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (hasGrown: boolean): void => {
      stop?.();
      cancel();
      signal?.removeEventListener('abort', onAbort);
      resolve(hasGrown);
    };
    const onAbort = (): void => end(false);
    const stop = part?.onChange(() => end(true));
    const cancel = clock.after(PACKAGE_LIMITS.busyLookMs, () => end(false));
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function stillBusy(path: string, cause: StoreError): StoreError {
  const seconds = PACKAGE_LIMITS.busyContentMs / 1000;
  return new StoreError(
    'blob_busy',
    `Storing ${path}: a transfer brings the same content, and nothing of it came for ${seconds} s; end that transfer, or import again when it is done`,
    { cause },
  );
}
