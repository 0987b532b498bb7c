/**
 * Answers who asks for a difference: what is on the shelf, in a chain where need be, else one that is made for it. Asked through
 * `ServedModels`, which knows what the asker may read. Nothing is made but of two whole contents of this node that are related, and
 * nobody gets a difference who may not read both its ends: of one and the target the base can be told.
 * Spec: docs/spec/22-differences.md §7.1, §7.4, §7.6.
 */
import type { Sha256 } from '../../core/index.ts';
import { isWorthIt, planChain } from '../../delta/index.ts';
import type { DifferenceAnswer } from '../../protocol/index.ts';
import type { StoredDifference } from '../../registry/index.ts';
import type { BlobStore } from '../../store/index.ts';
import type { DifferenceQuestion } from '../../transfer/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import { baseCandidates, type KnownContent } from './base-candidates.ts';
import type { DifferenceCounts } from './difference-counts.ts';
import type { DifferenceMaker, Pair } from './difference-maker.ts';
import type { DifferenceShelf } from './difference-shelf.ts';

export interface DifferenceDeskOptions {
  readonly shelf: DifferenceShelf;
  readonly maker: DifferenceMaker;
  readonly store: Pick<BlobStore, 'stat'>;
  readonly counts: DifferenceCounts;
  /** Models and packages whose every byte is here. */
  contents(): readonly KnownContent[];
  freeBytes(): Promise<number>;
}

export interface AskedDifference extends DifferenceQuestion {
  readonly target: Sha256;
  /** Who has it made: a node, or all on this machine. */
  readonly account: string;
  /** Undefined for content that is not offered here. */
  mayReadBlob(sha256: Sha256): boolean | undefined;
  mayReadModels(modelIds: readonly string[]): boolean;
}

export class DifferenceDesk {
  readonly #options: DifferenceDeskOptions;

  constructor(options: DifferenceDeskOptions) {
    this.#options = options;
  }

  /** Undefined where there is none and none is made. The target is one that the asker may read. */
  async ask(asked: AskedDifference): Promise<DifferenceAnswer | undefined> {
    const target = await this.#options.store.stat(asked.target);
    if (target === undefined) return undefined;
    return this.#onShelf(asked, target.sizeBytes) ?? this.#inLine(asked) ?? this.#begin(asked, target.sizeBytes);
  }

  #onShelf(asked: AskedDifference, sizeBytes: number): DifferenceAnswer | undefined {
    const { shelf } = this.#options;
    const edges = shelf.list().filter((edge) => mayRead(asked, edge));
    const chains = asked.bases.flatMap((base) => {
      const chain = planChain(edges, base, asked.target) ?? [];
      const totalBytes = chain.reduce((sum, edge) => sum + edge.sizeBytes, 0);
      return chain.length > 0 && isWorthIt(totalBytes, sizeBytes) ? [{ chain, totalBytes }] : [];
    });
    const [best] = chains.sort((a, b) => a.totalBytes - b.totalBytes);
    const links = best?.chain.flatMap((edge) => shelf.linkOf(edge) ?? []) ?? [];
    if (best === undefined || links.length < best.chain.length) return undefined;
    return { state: 'made', chain: links };
  }

  #inLine(asked: AskedDifference): DifferenceAnswer | undefined {
    const { maker, contents } = this.#options;
    for (const base of maker.waiting === 0 ? [] : asked.bases) {
      const mayRead = mayReadBase(asked, base, contents());
      const percent = mayRead ? maker.percentOf({ base, target: asked.target }) : undefined;
      if (percent !== undefined) return making(percent);
    }
    return undefined;
  }

  async #begin(asked: AskedDifference, sizeBytes: number): Promise<DifferenceAnswer | undefined> {
    const { maker, counts } = this.#options;
    if (asked.madeOnly) return undefined;
    const pair = await this.#pairFor(asked, sizeBytes);
    if (pair === undefined) return undefined;
    if (maker.begin(pair, asked.account)) return making(0);
    counts.refused += 1;
    return undefined;
  }

  /** The first of the bases, in the asker's order, that is here whole, related, and not known to be of no use. */
  async #pairFor(asked: AskedDifference, sizeBytes: number): Promise<Pair | undefined> {
    const { store, maker, freeBytes, contents } = this.#options;
    const { bases, target } = asked;
    if (sizeBytes > NODE_LIMITS.differenceMakeBytes || sizeBytes > (await freeBytes())) return undefined;
    const known = contents();
    const related = relatedTo(target, known);
    for (const base of bases) {
      if (!related.has(base) || !mayReadBase(asked, base, known) || maker.isInVain({ base, target })) continue;
      if ((await store.stat(base)) !== undefined) return { base, target };
    }
    return undefined;
  }
}

function relatedTo(target: Sha256, known: readonly KnownContent[]): ReadonlySet<Sha256> {
  const wanted = known.flatMap(({ files, ...content }) =>
    files.filter(({ sha256 }) => sha256 === target).map((file) => ({ ...content, file })),
  );
  return new Set(wanted.flatMap((one) => baseCandidates(one, known)).map(({ sha256 }) => sha256));
}

/** What is kept here and not offered, as an older version of a package, by whose it is. */
function mayReadBase(
  { mayReadBlob, mayReadModels }: AskedDifference,
  base: Sha256,
  known: readonly KnownContent[],
): boolean {
  const having = known.filter(({ files }) => files.some(({ sha256 }) => sha256 === base));
  return mayReadBlob(base) ?? mayReadModels(having.map(({ modelId }) => modelId));
}

/** By what is offered here now; of what has left, by the models that it was of. */
function mayRead({ mayReadBlob, mayReadModels }: AskedDifference, edge: StoredDifference): boolean {
  return (
    (mayReadBlob(edge.base) ?? mayReadModels(edge.baseModels)) &&
    (mayReadBlob(edge.target) ?? mayReadModels(edge.targetModels))
  );
}

function making(percent: number): DifferenceAnswer {
  return { state: 'making', percent: Math.round(percent * 10) / 10, retryAfterMs: NODE_LIMITS.differenceRetryMs };
}
