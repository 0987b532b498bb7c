/**
 * Records of one kind, each parsed once and kept as long as the mesh holds it: what plans read often. What does not parse is left
 * out. Records of nodes that were put out go with them.
 */
import type { NodeId } from '../../core/index.ts';
import type { Mesh, RecordEvent } from '../../mesh/index.ts';
import type { RecordKind, SignedRecord } from '../../protocol/index.ts';

export type RecordSource = Pick<Mesh, 'records' | 'recordEvents' | 'membershipEvents'>;

export interface RecordShelfOptions<Value> {
  readonly mesh: RecordSource;
  readonly kind: RecordKind;
  /** Undefined, or a throw: not to be kept. */
  readonly read: (record: SignedRecord) => Value | undefined;
  /** Hears of every change, after it. */
  readonly onChange?: () => void;
}

export class RecordShelf<Value> implements Disposable {
  readonly #options: RecordShelfOptions<Value>;
  readonly #byAuthor = new Map<NodeId, Map<string, Value>>();
  readonly #stops: (() => void)[];

  constructor(options: RecordShelfOptions<Value>) {
    this.#options = options;
    const { mesh } = options;
    this.#readAll();
    this.#stops = [
      mesh.recordEvents.on((event) => this.#onRecord(event)),
      mesh.membershipEvents.on(() => {
        this.#readAll();
        options.onChange?.();
      }),
    ];
  }

  [Symbol.dispose](): void {
    for (const stop of this.#stops.splice(0)) stop();
  }

  authors(): Iterable<NodeId> {
    return this.#byAuthor.keys();
  }

  /** By key. */
  of(author: NodeId): ReadonlyMap<string, Value> {
    return this.#byAuthor.get(author) ?? new Map();
  }

  #readAll(): void {
    this.#byAuthor.clear();
    for (const record of this.#options.mesh.records({ kind: this.#options.kind })) this.#put(record);
  }

  #onRecord(event: RecordEvent): void {
    if (event.type === 'revoked') {
      if (!this.#byAuthor.delete(event.nodeId)) return;
    } else {
      if (event.record.kind !== this.#options.kind) return;
      if (event.type === 'accepted') this.#put(event.record);
      else this.#drop(event.record);
    }
    this.#options.onChange?.();
  }

  #put(record: SignedRecord): void {
    const value = this.#read(record);
    if (value === undefined) {
      this.#drop(record);
      return;
    }
    const author = record.author as NodeId;
    const ofAuthor = this.#byAuthor.get(author) ?? new Map<string, Value>();
    this.#byAuthor.set(author, ofAuthor.set(record.key, value));
  }

  #drop({ author, key }: SignedRecord): void {
    const ofAuthor = this.#byAuthor.get(author as NodeId);
    ofAuthor?.delete(key);
    if (ofAuthor?.size === 0) this.#byAuthor.delete(author as NodeId);
  }

  #read(record: SignedRecord): Value | undefined {
    try {
      return this.#options.read(record);
    } catch {
      return undefined;
    }
  }
}
