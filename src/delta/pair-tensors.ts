/** Which tensor of the target was which of the base. Spec: docs/spec/22-differences.md §5.3. */
import type { Tensor } from './tensor-table.ts';

export interface TensorPair {
  readonly target: Tensor;
  readonly base: Tensor;
}

/** The first bytes of a tensor, as text that can be compared. */
export type HeadOf = (tensor: Tensor, of: 'base' | 'target') => Promise<string>;

/** By name; then by type, shape and first bytes; then by type and shape in order. Each tensor is in one pair at most. */
export async function pairTensors(
  base: readonly Tensor[],
  target: readonly Tensor[],
  headOf: HeadOf,
): Promise<TensorPair[]> {
  const named = await pairBy(base, target, async ({ name, typeName }) => `${typeName} ${name}`);
  const likeHead = await pairBy(
    named.base,
    named.target,
    async (tensor, of) => `${tensor.typeName} ${tensor.shape} ${await headOf(tensor, of)}`,
  );
  const likeShape = await pairBy(likeHead.base, likeHead.target, async ({ typeName, shape }) => `${typeName} ${shape}`);
  return [...named.pairs, ...likeHead.pairs, ...likeShape.pairs].sort((a, b) => a.target.offset - b.target.offset);
}

interface Paired {
  readonly pairs: readonly TensorPair[];
  /** Those without a pair. */
  readonly base: readonly Tensor[];
  readonly target: readonly Tensor[];
}

async function pairBy(base: readonly Tensor[], target: readonly Tensor[], keyOf: HeadOf): Promise<Paired> {
  if (base.length === 0 || target.length === 0) return { pairs: [], base, target };
  const waiting = new Map<string, Tensor[]>();
  for (const tensor of base.toReversed()) {
    const key = await keyOf(tensor, 'base');
    const others = waiting.get(key);
    if (others === undefined) waiting.set(key, [tensor]);
    else others.push(tensor);
  }
  const pairs: TensorPair[] = [];
  const alone: Tensor[] = [];
  for (const tensor of target) {
    const found = waiting.get(await keyOf(tensor, 'target'))?.pop();
    if (found === undefined) alone.push(tensor);
    else pairs.push({ target: tensor, base: found });
  }
  const taken = new Set(pairs.map((pair) => pair.base));
  return { pairs, base: base.filter((tensor) => !taken.has(tensor)), target: alone };
}
