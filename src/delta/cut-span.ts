/** Cuts a span of a file in chunks, block by block, with the crew's threads at the next blocks meanwhile. Spec: docs/spec/22-differences.md §5.5. */

import { type ByteSource, readFully } from './byte-source.ts';
import type { ByteSpan } from './byte-span.ts';
import { endOf } from './byte-span.ts';
import type { Crew } from './crew.ts';
import type { CutBlock } from './cut-block.ts';
import { DELTA_LIMITS } from './limits.ts';

export interface CutSpan extends CutBlock {
  /** Where the block begins in the file; chunk ends count from here. */
  readonly offset: number;
}

export interface CutOptions {
  readonly source: ByteSource;
  readonly span: ByteSpan;
  readonly crew: Crew;
  readonly meanBytes: number;
  /** Blocks that end up to here are not needed any more. */
  readonly doneUntil?: () => number;
  readonly signal: AbortSignal | undefined;
}

export async function* cutSpan(options: CutOptions): AsyncGenerator<CutSpan> {
  const { span, crew } = options;
  const ahead: Promise<CutSpan | undefined>[] = [];
  let next = span.offset;
  const begin = (): void => {
    const offset = next;
    if (offset >= endOf(span)) return;
    next += DELTA_LIMITS.blockBytes;
    const slot = ((offset - span.offset) / DELTA_LIMITS.blockBytes) % crew.memory.slots;
    const cut = cutOne(options, slot, offset);
    cut.catch(() => {});
    ahead.push(cut);
  };
  try {
    for (let slot = 0; slot < crew.memory.slots; slot += 1) begin();
    for (let cut = ahead.shift(); cut !== undefined; cut = ahead.shift()) {
      const done = await cut;
      options.signal?.throwIfAborted();
      begin();
      if (done !== undefined) yield done;
    }
  } finally {
    await Promise.allSettled(ahead);
  }
}

async function cutOne(options: CutOptions, slot: number, offset: number): Promise<CutSpan | undefined> {
  const { source, span, crew, meanBytes, doneUntil } = options;
  const byteCount = Math.min(DELTA_LIMITS.blockBytes, endOf(span) - offset);
  if (offset + byteCount <= (doneUntil?.() ?? 0)) return undefined;
  await readFully(source, crew.memory.area(slot, 'target', byteCount), offset);
  return { offset, ...(await crew.order({ do: 'cut', slot, byteCount, meanBytes })) };
}
