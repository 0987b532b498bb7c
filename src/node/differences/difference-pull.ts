/**
 * A file by what differs: looks for a base that is here, asks the holders, decides, gets the chain, applies it. Whatever goes wrong, the
 * file then comes whole, from where it is: nothing here fails a pull. A difference that does not make what it should is dropped, and those
 * who gave it are told of when the pull is over. After a crash the parts of difference and target are there, and it begins again with
 * them. Spec: docs/spec/22-differences.md §7.3.
 */
import { createHash } from 'node:crypto';
import { PIECE_HASH_BYTES, type PieceList, pieceLayout, verifyPieceList } from '../../content/index.ts';
import { AtmosphereError, type Clock, type Logger, messageOf, type Sha256 } from '../../core/index.ts';
import { DeltaError } from '../../delta/index.ts';
import type { DifferenceLink } from '../../protocol/index.ts';
import type { BlobStore } from '../../store/index.ts';
import type { BlobToGet, PieceSource, SourceOutcome } from '../../transfer/index.ts';
import { NodeError } from '../errors.ts';
import { NODE_LIMITS } from '../limits.ts';
import { toBlobToGet } from '../pull/blob-pull.ts';
import type { DifferencePuller, DifferenceShare, Holder, WantedDifference } from '../pull/ports.ts';
import { applyChain } from './apply-chain.ts';
import { askHolders, type FoundOffer } from './ask-holders.ts';
import { type BaseCandidate, baseCandidates, type KnownContent, type WantedFile } from './base-candidates.ts';
import type { DifferenceCounts } from './difference-counts.ts';
import { offerersOf } from './difference-offers.ts';
import type { DifferenceShelf } from './difference-shelf.ts';
import { fetchDifference } from './fetch-difference.ts';
import { assumedRate, type FileToGet, isWorthAsking } from './plan-difference.ts';
import { Turns } from './turns.ts';

export interface DifferencePullOptions {
  readonly store: BlobStore;
  readonly shelf: DifferenceShelf;
  readonly counts: DifferenceCounts;
  /** For files between two differences. */
  readonly folder: string;
  contents(): readonly KnownContent[];
  /** A pull fetches it, as a file of its model. */
  isFetched(sha256: Sha256): boolean;
  /** What the wanted content was made from, as its entry and its manifest say. */
  describe(wanted: WantedDifference): WantedFile | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

type OnShare = (state: DifferenceShare['state'], bytes: number, totalBytes: number) => void;
type Verdict = 'done' | 'wrong' | 'failed';

interface Attempt {
  readonly wanted: WantedDifference;
  readonly blob: BlobToGet;
  readonly bases: readonly BaseCandidate[];
  readonly holders: readonly { readonly holder: Holder; readonly source: PieceSource }[];
}

export class DifferencePull implements DifferencePuller {
  readonly #options: DifferencePullOptions;
  readonly #turns = new Turns(NODE_LIMITS.differencesApplied);
  /** Differences of pulls that are under way or interrupted. */
  readonly #mine = new Set<Sha256>();

  constructor(options: DifferencePullOptions) {
    this.#options = options;
  }

  async pull(wanted: WantedDifference, signal: AbortSignal): Promise<boolean> {
    let isDone = false;
    try {
      const attempt = await this.#prepare(wanted);
      if (attempt !== undefined) isDone = await this.#try(attempt, signal);
    } catch (thrown) {
      signal.throwIfAborted();
      this.#options.counts.noteEnd('failed');
      const { sha256 } = wanted.blob;
      this.#options.logger.info({ err: messageOf(thrown), sha256 }, 'a difference failed; the whole file is fetched');
    } finally {
      if (!isDone) wanted.onShare(undefined);
    }
    return isDone;
  }

  /** Undefined where nobody need be asked. */
  async #prepare(wanted: WantedDifference): Promise<Attempt | undefined> {
    const { target, blob: facts, deps } = wanted;
    if (!isWorthAsking({ sizeBytes: facts.sizeBytes, choice: target.difference })) return undefined;
    const bases = await this.#basesHere(wanted);
    if (bases.length === 0) return undefined;
    const blob = toBlobToGet(facts, []);
    const marked = new Set(wanted.marks.map(({ nodeId }) => nodeId));
    const holders = deps.view.holders(target).filter(({ nodeId }) => !marked.has(nodeId));
    const askable = holders.slice(0, NODE_LIMITS.differencePeers).flatMap((holder) => {
      const source = deps.view.sourceFor(holder, blob);
      return source?.askDifference === undefined ? [] : [{ holder, source }];
    });
    return askable.length === 0 ? undefined : { wanted, blob, bases, holders: askable };
  }

  async #basesHere(wanted: WantedDifference): Promise<BaseCandidate[]> {
    const { store, contents, describe } = this.#options;
    const file = describe(wanted);
    const here: BaseCandidate[] = [];
    for (const base of file === undefined ? [] : baseCandidates(file, contents())) {
      if (here.length === MOST_BASES) break;
      if ((await store.stat(base.sha256)) !== undefined) here.push(base);
    }
    return here;
  }

  async #try(attempt: Attempt, signal: AbortSignal): Promise<boolean> {
    const { wanted, blob, bases, holders } = attempt;
    const { counts, clock } = this.#options;
    const share: OnShare = (state, bytes, totalBytes) =>
      wanted.onShare({ state, bytes, totalBytes, insteadOfBytes: blob.sizeBytes });
    const question = { holders, bases: bases.map(({ sha256 }) => sha256), target: blob.sha256, clock };
    const onMaking = (): void => share('making', 0, 0);
    const file = await this.#fileToGet(attempt);
    const { offer, isUseless } = await askHolders({ ...question, file, onMaking }, signal);
    if (offer === undefined || !(await this.#isFree(offer)) || !(await this.#hasRoom(attempt, offer))) {
      counts.noteEnd(isUseless ? 'not_worth_it' : 'none_offered');
      return false;
    }
    return await this.#takeOrLeave(attempt, offer, share, signal);
  }

  /** What is not kept goes; after an interruption it is what the next attempt goes on with. */
  async #takeOrLeave(attempt: Attempt, offer: FoundOffer, share: OnShare, signal: AbortSignal): Promise<boolean> {
    let verdict: Verdict = 'failed';
    for (const { sha256 } of offer.chain) this.#mine.add(sha256);
    try {
      verdict = await this.#take(attempt, offer, share, signal);
      return verdict === 'done';
    } finally {
      if (!signal.aborted) for (const { sha256 } of offer.chain) await this.#letGo(sha256, verdict === 'wrong');
    }
  }

  async #letGo(sha256: Sha256, isWrong: boolean): Promise<void> {
    this.#mine.delete(sha256);
    await this.#options.shelf.discard(sha256, isWrong);
  }

  async #fileToGet({ wanted, blob, holders }: Attempt): Promise<FileToGet> {
    const { sha256, sizeBytes } = blob;
    const part = (await this.#options.store.listParts()).find((one) => one.sha256 === sha256);
    const rates = holders.map(({ holder, source }) => source.expectedRate ?? assumedRate(holder.distance ?? 2));
    const rateBytesPerSecond = Math.min(Math.max(...rates), wanted.rateLimit);
    return { sizeBytes, heldBytes: part?.heldBytes ?? 0, choice: wanted.target.difference, rateBytesPerSecond };
  }

  /** What a peer calls a difference may be the name of a file that is here, or on its way: that is left alone. */
  async #isFree({ chain }: FoundOffer): Promise<boolean> {
    const { store, shelf, isFetched } = this.#options;
    for (const { sha256 } of chain) {
      const known = shelf.find(sha256) === undefined ? await store.stat(sha256) : undefined;
      if ((isFetched(sha256) && !this.#mine.has(sha256)) || (known !== undefined && (known.refs > 0 || known.pinned)))
        return false;
    }
    return true;
  }

  /** For the difference, and for the files on the way, beside the target. */
  async #hasRoom({ wanted, blob }: Attempt, { totalBytes, chain }: FoundOffer): Promise<boolean> {
    const steps = Math.min(chain.length - 1, 2) * blob.sizeBytes;
    return totalBytes + blob.sizeBytes + steps <= (await wanted.deps.freeBytes());
  }

  async #take(attempt: Attempt, offer: FoundOffer, share: OnShare, signal: AbortSignal): Promise<Verdict> {
    const { wanted, blob } = attempt;
    const { chain, totalBytes } = offer;
    using holds = new DisposableStack();
    for (const sha256 of [chain[0]?.base, ...chain.map((link) => link.sha256)])
      if (sha256 !== undefined) holds.use(this.#options.store.hold(sha256));
    this.#tellOthers(attempt, offer);
    const pieces = await pieceListOf(attempt, signal);
    const given: SourceOutcome[] = [];
    let before = 0;
    for (const link of chain) {
      const onProgress = (progress: Parameters<WantedDifference['onSources']>[1]): void => {
        share('fetching', before + progress.verifiedBytes, totalBytes);
        wanted.onSources(link.sha256, progress);
      };
      const offerers = offerersOf(link, offer.answers);
      given.push(
        ...(await fetchDifference({ link, offerers, wanted, clock: this.#options.clock, onProgress }, signal)),
      );
      before += link.sizeBytes;
    }
    share('applying', totalBytes, totalBytes);
    const { store, folder } = this.#options;
    const work = { chain, target: blob, pieces, store, folder, onVerified: wanted.onVerified };
    try {
      await this.#turns.take(() => applyChain(work, signal), signal);
    } catch (thrown) {
      signal.throwIfAborted();
      await this.#judge(thrown, attempt, offer, given);
      return 'wrong';
    }
    share('applied', totalBytes, totalBytes);
    await this.#noteDone(attempt, offer, given);
    return 'done';
  }

  /** Only where whoever may read the target may read the base: of a difference and one end the other can be told. */
  #tellOthers({ wanted, bases }: Attempt, { chain }: FoundOffer): void {
    const base = bases.find(({ sha256 }) => sha256 === chain[0]?.base);
    if (chain.length > 1 || base?.modelId !== wanted.target.entry.model_id) return;
    for (const { sha256 } of chain) wanted.deps.fetched?.add(sha256);
  }

  /** Whose fault it is. Throws where it is no peer's: the base here has rotted, the disk is full. */
  async #judge(
    thrown: unknown,
    { wanted, blob }: Attempt,
    { chain }: FoundOffer,
    given: readonly SourceOutcome[],
  ): Promise<void> {
    if (!isLie(thrown)) throw thrown;
    const { store, counts, logger } = this.#options;
    const base = chain[0]?.base;
    if (base !== undefined && !(await isWhatItsNameSays(store, base))) {
      logger.error({ base }, 'a file of the store is not what its name says; no difference can begin from it');
      throw thrown;
    }
    counts.noteEnd('wrong');
    const from = given.map(({ nodeId }) => nodeId);
    logger.warn(
      { err: messageOf(thrown), sha256: blob.sha256, from },
      'a difference was wrong; the whole file is fetched',
    );
    wanted.marks.push(...given.filter(({ bytes }) => bytes > 0).map((outcome) => ({ ...outcome, isCorrupt: true })));
  }

  async #noteDone({ wanted, blob, bases }: Attempt, offer: FoundOffer, given: readonly SourceOutcome[]): Promise<void> {
    const { counts } = this.#options;
    const fetchedBytes = given.reduce((sum, { bytes }) => sum + bytes, 0);
    counts.applied += 1;
    counts.fetchedBytes += fetchedBytes;
    counts.savedBytes += blob.sizeBytes - fetchedBytes;
    const base = bases.find(({ sha256 }) => sha256 === offer.chain[0]?.base);
    if (base !== undefined) await this.#keep(offer.chain, base, wanted);
  }

  /** Of a longer chain nobody here knows who may read what lies between. */
  async #keep(
    chain: readonly DifferenceLink[],
    { modelId }: BaseCandidate,
    { target }: WantedDifference,
  ): Promise<void> {
    const { shelf, logger } = this.#options;
    const [link] = chain;
    if (link === undefined || chain.length > 1) return;
    const { base, target: made, sha256, sizeBytes } = link;
    const readers = { baseModels: [modelId], targetModels: [target.entry.model_id] };
    await shelf
      .keep({ base, target: made, sha256, sizeBytes, ...readers })
      .catch((thrown: unknown) => logger.warn({ err: messageOf(thrown) }, 'a difference is not kept'));
  }
}

const MOST_BASES = 8;

/** Kept from an earlier run, or of the first holder that has the right one. */
async function pieceListOf({ wanted, blob, holders }: Attempt, signal: AbortSignal): Promise<PieceList> {
  const { sha256, sizeBytes, pieceRoot } = blob;
  const kept = wanted.deps.pieceHashes.get(sha256);
  if (kept !== undefined) return verifyPieceList(sizeBytes, kept, pieceRoot);
  let last: unknown = new NodeError('holder_offline', 'Getting a piece list: nobody has given it');
  for (const { source } of holders) {
    try {
      const hashes = await source.pieceHashes?.(pieceLayout(sizeBytes).pieceCount * PIECE_HASH_BYTES, signal);
      if (hashes === undefined) continue;
      const list = verifyPieceList(sizeBytes, hashes, pieceRoot);
      wanted.deps.pieceHashes.put(blob, list.hashes);
      return list;
    } catch (thrown) {
      signal.throwIfAborted();
      last = thrown;
    }
  }
  throw last;
}

function isLie(thrown: unknown): boolean {
  if (thrown instanceof DeltaError) return thrown.fault === 'peer' || thrown.code === 'wrong_base';
  return thrown instanceof AtmosphereError && thrown.code === 'wrong_difference';
}

async function isWhatItsNameSays(store: BlobStore, sha256: Sha256): Promise<boolean> {
  const hash = createHash('sha256');
  await using reader = await store.openRead(sha256);
  for await (const bytes of reader.stream(0, reader.sizeBytes)) hash.update(bytes as Buffer);
  return hash.digest('hex') === sha256;
}
