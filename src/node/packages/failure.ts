/** What became of an install that failed, by what it failed with. Pure. */
import { AtmoError } from '../../atmo/index.ts';
import { systemCodeOf } from '../../core/index.ts';
import { StoreError } from '../../store/index.ts';
import { PackageError } from './errors.ts';

/** A medium that was pulled out, a stop, a shutdown: the next import goes on. What is wrong with the package itself stays wrong. */
export function isWorthKeeping(thrown: unknown): boolean {
  if (thrown instanceof AtmoError) return ['unreadable', 'changed', 'cancelled'].includes(thrown.code);
  if (thrown instanceof PackageError) return thrown.code === 'interrupted';
  if (thrown instanceof StoreError) return thrown.code === 'store_closed' || thrown.code === 'blob_busy';
  return systemCodeOf(thrown) === 'EIO' || (thrown instanceof Error && thrown.name === 'AbortError');
}

/** A stop is told as one, whoever noticed it first. */
export function toToldError(thrown: unknown, signal: AbortSignal | undefined): unknown {
  const isStop = thrown instanceof AtmoError && thrown.code === 'cancelled';
  if (!isStop || signal?.reason === undefined) return thrown;
  if (signal.reason instanceof PackageError) return signal.reason;
  return new PackageError('interrupted', 'Installing: it was stopped', { cause: signal.reason });
}
