/**
 * What is known of rollouts: the records of all coordinators, believed as docs/spec/19-rollout.md §1.4 says and brought together
 * as §6.4 says. A coordinator that is put out takes its records along; who has read them here is remembered all the same until
 * this process ends, so that somebody can take over.
 */
import { type Clock, Emitter, type Logger, messageOf, type NodeId } from '../../core/index.ts';
import { mergeRollouts, type RolloutWord } from '../../deploy/index.ts';
import type { Mesh, RecordEvent } from '../../mesh/index.ts';
import { parseRollout, type Rollout, rolloutIdOf, type SignedRecord } from '../../protocol/index.ts';
import { checkRollout, mayDeploy, type OrderContext, type OrderFlaw } from '../../trust/index.ts';

export interface RolloutBookOptions {
  readonly mesh: Pick<Mesh, 'records' | 'recordEvents' | 'membershipEvents'>;
  readonly access: {
    orderContext(): OrderContext;
    readonly changes: Emitter<void>;
  };
  readonly clock: Clock;
  readonly logger: Logger;
}

/** One rollout as it counts now. */
export interface KnownRollout {
  readonly rollout: Rollout;
  /** As it was signed: what is published again. */
  readonly signedSpec: Readonly<Record<string, unknown>>;
  /** Of the record that counts. */
  readonly author: NodeId;
  readonly issuedAtMs: number;
  /** Why it may not go on, where it may not. */
  readonly flaw: OrderFlaw | undefined;
  /** By the monotonic clock: when the last new record of it came. */
  readonly heardAtMs: number;
}

interface Word extends RolloutWord {
  readonly signedSpec: Record<string, unknown>;
}

interface Entry {
  readonly words: Map<NodeId, Word>;
  heardAtMs: number;
  known: KnownRollout | undefined;
}

const UNTRUE: readonly OrderFlaw[] = ['order_unsigned', 'order_signature_wrong'];

export class RolloutBook implements Disposable {
  /** The id of one that is new or changed. */
  readonly changes: Emitter<string>;
  readonly #options: RolloutBookOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #stops: (() => void)[];

  constructor(options: RolloutBookOptions) {
    this.#options = options;
    const { mesh, access, logger } = options;
    this.changes = new Emitter((thrown) => logger.error({ err: thrown }, 'rollout listener failed'));
    this.#readAll();
    this.#stops = [
      mesh.recordEvents.on((event) => this.#onRecord(event)),
      mesh.membershipEvents.on(() => this.#readAll()),
      access.changes.on(() => this.#onAccess()),
    ];
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  /** The newest first. */
  list(): KnownRollout[] {
    const known = [...this.#entries.values()].flatMap((entry) => entry.known ?? []);
    return known.sort((a, b) => b.rollout.spec.ordered_at - a.rollout.spec.ordered_at);
  }

  get(rolloutId: string): KnownRollout | undefined {
    return this.#entries.get(rolloutId)?.known;
  }

  #readAll(): void {
    this.#entries.clear();
    for (const record of this.#options.mesh.records({ kind: 'rollout' })) this.#read(record);
  }

  /** Whoever coordinates may have been heard before the policy that lets it: one that is over is never said again. */
  #onAccess(): void {
    for (const record of this.#options.mesh.records({ kind: 'rollout' }))
      if (!this.#entries.get(record.key)?.words.has(record.author as NodeId)) this.#read(record);
    this.#judgeAll();
  }

  #onRecord(event: RecordEvent): void {
    if (event.type === 'revoked' || event.record.kind === 'certificate') this.#judgeAll();
    else if (event.record.kind !== 'rollout') return;
    else if (event.type === 'accepted') this.#read(event.record);
    else if (event.type === 'expired') this.#drop(event.record);
  }

  #read(record: SignedRecord): void {
    const word = this.#believe(record);
    if (word === undefined) return;
    const { rollout_id: id } = word.rollout.spec;
    const entry = this.#entries.get(id) ?? { words: new Map(), heardAtMs: 0, known: undefined };
    entry.words.set(word.author, word);
    entry.heardAtMs = this.#options.clock.monotonicMs();
    this.#entries.set(id, entry);
    this.#judge(entry);
    this.changes.emit(id);
  }

  #drop({ key, author }: SignedRecord): void {
    const entry = this.#entries.get(key);
    if (entry === undefined || !entry.words.delete(author as NodeId)) return;
    if (entry.words.size === 0) this.#entries.delete(key);
    else this.#judge(entry);
    this.changes.emit(key);
  }

  #believe(record: SignedRecord): Word | undefined {
    const { access, logger } = this.#options;
    const context = access.orderContext();
    const author = record.author as NodeId;
    const refuse = (why: string): undefined => {
      logger.warn({ author, rollout: record.key, why }, 'a rollout is not heeded');
    };
    try {
      const rollout = parseRollout(record.payload);
      const signedSpec = record.payload.spec as Record<string, unknown>;
      const { spec, state } = rollout;
      if (spec.rollout_id !== record.key || state.coordinator !== author) return refuse('it is of somebody else');
      const role = context.certificateOf(author)?.role ?? '';
      if (spec.rollout_id !== rolloutIdOf(spec)) return refuse('its id is that of another order');
      if (!mayDeploy(context.policy, spec.manifest.model_id, role)) return refuse('its coordinator may not deploy');
      const flaw = checkRollout(signedSpec as never, context);
      if (flaw !== undefined && UNTRUE.includes(flaw))
        return refuse('its order is not signed by who is said to have given it');
      return { rollout, signedSpec, author, issuedAtMs: record.issued_at };
    } catch (thrown) {
      return refuse(messageOf(thrown));
    }
  }

  #judgeAll(): void {
    for (const [id, entry] of this.#entries) {
      const before = entry.known?.flaw;
      this.#judge(entry);
      if (entry.known?.flaw !== before) this.changes.emit(id);
    }
  }

  #judge(entry: Entry): void {
    const words = ofOneSpec([...entry.words.values()]);
    const best = mergeRollouts(words);
    if (best === undefined) return;
    const { signedSpec } = best as Word;
    const flaw = checkRollout(signedSpec as never, this.#options.access.orderContext());
    const { rollout, author, issuedAtMs } = best;
    entry.known = { rollout, signedSpec, author, issuedAtMs, flaw, heardAtMs: entry.heardAtMs };
  }
}

/** Of two orders with one id the earlier one counts. */
function ofOneSpec(words: readonly Word[]): Word[] {
  const signatureOf = ({ rollout }: Word) => rollout.spec.signature?.signature ?? '';
  const [first] = words.toSorted(
    (a, b) => a.rollout.spec.ordered_at - b.rollout.spec.ordered_at || (signatureOf(a) < signatureOf(b) ? -1 : 1),
  );
  return words.filter((word) => first !== undefined && signatureOf(word) === signatureOf(first));
}
