/**
 * Makes a file of one that is here and a chain of differences that are here: between two of them into a file without a name, at the end
 * into the store. Each result is verified before the next step begins. Spec: docs/spec/22-differences.md §6, §7.3.
 */
import type { PieceList } from '../../content/index.ts';
import type { Sha256 } from '../../core/index.ts';
import { applyDifference, type ByteSource, type TargetSink } from '../../delta/index.ts';
import type { DifferenceLink } from '../../protocol/index.ts';
import type { BlobStore } from '../../store/index.ts';
import type { BlobToGet } from '../../transfer/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import { StepFile } from './step-file.ts';
import { TargetWriter } from './target-writer.ts';

export interface ChainToApply {
  readonly chain: readonly DifferenceLink[];
  readonly target: BlobToGet;
  /** The target's, checked against its root. */
  readonly pieces: PieceList;
  readonly store: BlobStore;
  /** For files between two differences. */
  readonly folder: string;
  /** Bytes of the target that are in the store and right. */
  readonly onVerified: (bytes: number) => void;
}

/** Resolves when the target has its name in the store. Throws DeltaError, NodeError `wrong_difference`, StoreError. */
export async function applyChain(work: ChainToApply, signal: AbortSignal): Promise<void> {
  const { chain, store, folder } = work;
  await using files = new AsyncDisposableStack();
  const [first] = chain;
  const last = chain.at(-1);
  if (first === undefined || last === undefined) throw new TypeError('a chain of no differences');
  if ((await store.stat(work.target.sha256)) !== undefined) return;
  let base: ByteSource = files.use(await store.openRead(first.base));
  const largest = Math.max(base.sizeBytes, work.target.sizeBytes) * NODE_LIMITS.differenceStepFactor;
  for (const link of chain.slice(0, -1)) {
    const file = files.use(await StepFile.open(folder, `${link.target}-${crypto.randomUUID()}`));
    await applyOne({ link, store, base, sink: boundedSink(file, largest) }, signal);
    base = file;
  }
  await applyLast(work, { link: last, base }, signal);
}

async function applyLast(
  { target, pieces, store, onVerified }: ChainToApply,
  step: { readonly link: DifferenceLink; readonly base: ByteSource },
  signal: AbortSignal,
): Promise<void> {
  // Closed, not discarded, whatever happens: what was right of it stays.
  await using part = await store.openWrite(target);
  const writer = new TargetWriter(part, pieces);
  const sink: TargetSink = {
    async write(bytes, position) {
      await writer.write(bytes, position);
      onVerified(writer.verifiedBytes);
    },
  };
  const { sha256, sizeBytes } = target;
  await applyOne({ ...step, store, sink, expected: { sha256, sizeBytes } }, signal);
  await part.finish();
}

interface Step {
  readonly link: DifferenceLink;
  readonly store: BlobStore;
  readonly base: ByteSource;
  readonly sink: TargetSink;
  readonly expected?: { readonly sha256: Sha256; readonly sizeBytes: number };
}

async function applyOne({ link, store, base, sink, expected }: Step, signal: AbortSignal): Promise<void> {
  await using difference = await store.openRead(link.sha256);
  const { header } = await applyDifference({
    difference: difference.stream(0, difference.sizeBytes),
    ...{ base, sink, signal },
    expected: { baseSha256: link.base, ...(expected === undefined ? {} : { target: expected }) },
  });
  if (header.target.sha256 === link.target) return;
  const what = `Applying a difference: it makes ${header.target.sha256}, and was offered as ${link.target}`;
  throw new NodeError('wrong_difference', what);
}

/** What a difference between two others says of its size is its own word. */
function boundedSink(file: StepFile, mostBytes: number): TargetSink {
  return {
    async write(bytes, position) {
      if (position + bytes.length > mostBytes)
        throw new NodeError(
          'wrong_difference',
          `Applying a difference: it makes more than ${mostBytes} bytes on the way`,
        );
      await file.write(bytes, position);
    },
  };
}
