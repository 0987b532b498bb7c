/** A stretch of the target and the stretch of the base that it is held against, and its blocks. Pure. Spec: docs/spec/22-differences.md §5.3. */
import { type ByteSpan, endOf } from './byte-span.ts';
import { ANY_BYTES, type ElementType } from './element-type.ts';
import type { BlockTask } from './encode-block.ts';
import { DELTA_LIMITS } from './limits.ts';

export interface Segment extends ByteSpan {
  readonly type: ElementType;
  readonly against?: ByteSpan;
}

export interface SegmentBlock extends BlockTask {
  readonly offset: number;
}

const { blockBytes, windowBytes, smallBytes } = DELTA_LIMITS;
/** Of a block that is a small part of something larger: bytes of dictionary for each of its own. */
const WINDOW_RATIO = 4;

export function* blocksOf(segment: Segment): Generator<SegmentBlock> {
  const wholeBytes = blockBytes - (blockBytes % Math.max(1, segment.type.width));
  for (let done = 0; done < segment.byteCount; done += wholeBytes) {
    const byteCount = Math.min(wholeBytes, segment.byteCount - done);
    yield { offset: segment.offset + done, byteCount, type: segment.type, ...basesOf(segment, done, byteCount) };
  }
}

function basesOf(segment: Segment, done: number, byteCount: number): Pick<BlockTask, 'first' | 'second' | 'window'> {
  const { against, type } = segment;
  if (against === undefined || against.byteCount === 0) return {};
  const fromFront = done + byteCount <= against.byteCount ? against.offset + done : undefined;
  const isSameSize = against.byteCount === segment.byteCount;
  const atEnd = endOf(against) - (segment.byteCount - done);
  const fromEnd = !isSameSize && atEnd >= against.offset && atEnd !== fromFront ? atEnd : undefined;
  const needsWindow = !isSameSize || type === ANY_BYTES;
  return {
    ...(fromFront === undefined ? {} : { first: fromFront }),
    ...(fromEnd === undefined ? {} : { second: fromEnd }),
    ...(needsWindow ? { window: windowOf(segment, against, done, byteCount) } : {}),
  };
}

/** The base's bytes around the same relative place; all of a small base for a small target. */
function windowOf(segment: Segment, against: ByteSpan, done: number, byteCount: number): ByteSpan {
  const isSmall = segment.byteCount <= smallBytes && against.byteCount <= smallBytes;
  const most = isSmall ? smallBytes : Math.min(windowBytes, WINDOW_RATIO * byteCount);
  if (against.byteCount <= most) return against;
  const middle = ((done + byteCount / 2) / segment.byteCount) * against.byteCount;
  const start = Math.min(Math.max(0, Math.round(middle - most / 2)), against.byteCount - most);
  return { offset: against.offset + start, byteCount: most };
}
