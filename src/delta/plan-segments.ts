/** Which bytes of the target are held against which of the base. Spec: docs/spec/22-differences.md §5.3, §5.4. */
import { KiB } from '../core/index.ts';
import { readFully } from './byte-source.ts';
import { type ByteSpan, endOf, spansBetween } from './byte-span.ts';
import { ANY_BYTES, type ElementType, ONE_BYTE } from './element-type.ts';
import { type Copy, CopyFinder, type CopyFinderOptions } from './find-copies.ts';
import { DELTA_LIMITS } from './limits.ts';
import { pairTensors, type TensorPair } from './pair-tensors.ts';
import type { Segment } from './segment.ts';
import { readTensorTable, type Tensor } from './tensor-table.ts';

const TENSOR_HEAD_BYTES = 64;
/** Alignment gaps up to this are taken with the tensor before them. */
const PADDING_BYTES = 4 * KiB;

/** All of the target, in order. Throws DeltaError, and what the sources throw. */
export async function planSegments(options: CopyFinderOptions): Promise<Segment[]> {
  const [base, target] = await Promise.all([readTensorTable(options.base), readTensorTable(options.target)]);
  const isPaired = base !== undefined && base.format === target?.format;
  const pairs = isPaired ? await pairTensors(base.tensors, target.tensors, headOf(options)) : [];
  const paired = mergedSegments(pairs, options);
  const againsts = paired.map(({ against }) => against).filter((span) => span !== undefined);
  const rests: Rests = {
    base: spansBetween(
      againsts.toSorted((a, b) => a.offset - b.offset),
      options.base.sizeBytes,
    ),
    target: typedSpans(spansBetween(paired, options.target.sizeBytes), target?.tensors ?? []),
  };
  const others = await planRests(options, rests);
  return [...paired, ...others].sort((a, b) => a.offset - b.offset);
}

function headOf({ base, target }: CopyFinderOptions) {
  return async ({ offset, sizeBytes }: Tensor, of: 'base' | 'target'): Promise<string> => {
    const head = Buffer.alloc(Math.min(TENSOR_HEAD_BYTES, sizeBytes));
    await readFully(of === 'base' ? base : target, head, offset);
    return head.toString('base64');
  };
}

/** Pairs as segments, neighbours that are alike as one. */
function mergedSegments(pairs: readonly TensorPair[], { base, target }: CopyFinderOptions): Segment[] {
  const baseEnds = nextStarts(
    pairs.map((pair) => pair.base),
    base.sizeBytes,
  );
  const targetEnds = nextStarts(
    pairs.map((pair) => pair.target),
    target.sizeBytes,
  );
  const merged: Segment[] = [];
  for (const pair of pairs) {
    const segment = paddedSegment(pair, baseEnds, targetEnds);
    const last = merged.at(-1);
    const joined = last === undefined ? undefined : joinedSegment(last, segment);
    if (joined === undefined) merged.push(segment);
    else merged[merged.length - 1] = joined;
  }
  return merged;
}

function nextStarts(tensors: readonly Tensor[], sizeBytes: number): Map<Tensor, number> {
  const sorted = tensors.toSorted((a, b) => a.offset - b.offset);
  return new Map(sorted.map((tensor, index) => [tensor, sorted[index + 1]?.offset ?? sizeBytes]));
}

function paddedSegment(
  { base, target }: TensorPair,
  baseEnds: Map<Tensor, number>,
  targetEnds: Map<Tensor, number>,
): Segment {
  const padding = (targetEnds.get(target) ?? 0) - target.offset - target.sizeBytes;
  const isPadded = padding === (baseEnds.get(base) ?? 0) - base.offset - base.sizeBytes && padding <= PADDING_BYTES;
  const extra = isPadded ? padding : 0;
  return {
    offset: target.offset,
    byteCount: target.sizeBytes + extra,
    type: target.type,
    against: { offset: base.offset, byteCount: base.sizeBytes + extra },
  };
}

function joinedSegment(a: Segment, b: Segment): Segment | undefined {
  if (a.type !== b.type || a.against === undefined || b.against === undefined) return undefined;
  if (endOf(a) !== b.offset || endOf(a.against) !== b.against.offset) return undefined;
  if (a.byteCount !== a.against.byteCount || b.byteCount !== b.against.byteCount) return undefined;
  if (a.byteCount % Math.max(1, a.type.width) !== 0) return undefined;
  const byteCount = a.byteCount + b.byteCount;
  return { offset: a.offset, byteCount, type: a.type, against: { offset: a.against.offset, byteCount } };
}

interface TypedSpan extends ByteSpan {
  readonly type: ElementType;
}

interface Rests {
  readonly base: readonly ByteSpan[];
  readonly target: readonly TypedSpan[];
}

/** Spans cut where tensors begin and end, each with its type. */
function typedSpans(spans: readonly ByteSpan[], tensors: readonly Tensor[]): TypedSpan[] {
  const typed: TypedSpan[] = [];
  let index = 0;
  for (const span of spans) {
    let at = span.offset;
    for (; (tensors[index]?.offset ?? Number.POSITIVE_INFINITY) < endOf(span); index += 1) {
      const tensor = tensors[index];
      if (tensor === undefined || tensor.offset < at) continue;
      if (tensor.offset > at) typed.push({ offset: at, byteCount: tensor.offset - at, type: ANY_BYTES });
      typed.push({ offset: tensor.offset, byteCount: tensor.sizeBytes, type: tensor.type });
      at = tensor.offset + tensor.sizeBytes;
    }
    if (at < endOf(span)) typed.push({ offset: at, byteCount: endOf(span) - at, type: ANY_BYTES });
  }
  return typed;
}

async function planRests(options: CopyFinderOptions, { base, target }: Rests): Promise<Segment[]> {
  const segments: Segment[] = [];
  const large: TypedSpan[] = [];
  for (const span of target) {
    const against = isSmall(span) ? counterpartOf(span, base) : undefined;
    if (against !== undefined) segments.push({ ...span, against });
    else if (span.byteCount <= TENSOR_HEAD_BYTES || base.length === 0) segments.push(span);
    else large.push(span);
  }
  if (large.length === 0) return segments;
  const finder = new CopyFinder(options, base);
  await finder.indexBase();
  for (const span of large) segments.push(...withGaps(span, await finder.find(span), base));
  return segments;
}

/** Headers are held against headers. */
function counterpartOf(span: ByteSpan, base: readonly ByteSpan[]): ByteSpan | undefined {
  const [first] = base;
  return span.offset === 0 && first?.offset === 0 && isSmall(first) ? first : undefined;
}

function isSmall({ byteCount }: ByteSpan): boolean {
  return byteCount <= DELTA_LIMITS.smallBytes;
}

/** Copies, and between them what lay between them in the base. */
function withGaps(span: TypedSpan, copies: readonly Copy[], base: readonly ByteSpan[]): Segment[] {
  const segments: Segment[] = [];
  let before: Copy | undefined;
  for (const copy of [...copies, undefined]) {
    const start = before === undefined ? span.offset : endOf(before);
    const byteCount = (copy?.offset ?? endOf(span)) - start;
    if (byteCount > 0) {
      const against = gapAgainst(byteCount, before, copy, base);
      segments.push({ offset: start, byteCount, type: span.type, ...(against && { against }) });
    }
    if (copy === undefined) break;
    const { offset, byteCount: copied } = copy;
    segments.push({ offset, byteCount: copied, type: ONE_BYTE, against: { offset: copy.base, byteCount: copied } });
    before = copy;
  }
  return segments;
}

function gapAgainst(
  byteCount: number,
  before: Copy | undefined,
  after: Copy | undefined,
  base: readonly ByteSpan[],
): ByteSpan | undefined {
  if (before === undefined && after === undefined) return base.length === 1 ? base[0] : undefined;
  const anchor = before?.base ?? after?.base ?? 0;
  const span = base.find((one) => one.offset <= anchor && anchor < endOf(one));
  if (span === undefined) return undefined;
  if (before === undefined) return between(Math.max(span.offset, anchor - byteCount), anchor);
  const start = before.base + before.byteCount;
  const isForward = after !== undefined && after.base >= start && after.base <= endOf(span);
  const isNear = isForward && after.base - start <= 4 * byteCount + DELTA_LIMITS.blockBytes;
  return between(start, isNear ? after.base : Math.min(endOf(span), start + byteCount));
}

function between(start: number, end: number): ByteSpan | undefined {
  return end > start ? { offset: start, byteCount: end - start } : undefined;
}
