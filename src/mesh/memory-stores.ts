/** The stores of the mesh in memory: for tests, simulations and embedders that keep nothing. */
import type { NodeId } from '../core/index.ts';
import type { RecordAuthor, RecordKind, SignedRecord } from '../protocol/index.ts';
import type {
  FloorRule,
  InviteStore,
  PeerAddress,
  PeerStore,
  RecordHead,
  RecordKey,
  RecordStore,
  StoredInvite,
} from './ports.ts';
import { recordBytes } from './record-usage.ts';

export class MemoryRecordStore implements RecordStore {
  readonly #byAuthor = new Map<RecordAuthor, Map<string, SignedRecord>>();
  readonly #highest = new Map<RecordAuthor, number>();
  readonly #floors = new Map<RecordAuthor, Map<string, { readonly seq: number; readonly untilMs: number }>>();

  get({ author, kind, key }: RecordKey): SignedRecord | undefined {
    return this.#byAuthor.get(author)?.get(slot(kind, key));
  }

  put(record: SignedRecord): void {
    const held = this.#byAuthor.get(record.author) ?? new Map<string, SignedRecord>();
    this.#byAuthor.set(record.author, held.set(slot(record.kind, record.key), record));
    this.#highest.set(record.author, Math.max(record.seq, this.highestSeq(record.author)));
  }

  delete({ author, kind, key }: RecordKey): void {
    const held = this.#byAuthor.get(author);
    held?.delete(slot(kind, key));
    if (held?.size === 0) this.#byAuthor.delete(author);
  }

  list(filter: { readonly author?: RecordAuthor; readonly kind?: RecordKind } = {}): SignedRecord[] {
    const { author, kind } = filter;
    const maps = author === undefined ? [...this.#byAuthor.values()] : [this.#byAuthor.get(author) ?? new Map()];
    const records = maps.flatMap((map): SignedRecord[] => [...map.values()]);
    return kind === undefined ? records : records.filter((record) => record.kind === kind);
  }

  heads(filter: { readonly author?: RecordAuthor } = {}): RecordHead[] {
    return this.list(filter).map(({ author, kind, key, seq, expires_at }) => ({ author, kind, key, seq, expires_at }));
  }

  authors() {
    return [...this.#byAuthor].map(([author, held]) => {
      const bytes = [...held.values()].reduce((sum, record) => sum + recordBytes(record), 0);
      return { author, count: held.size, bytes };
    });
  }

  highestSeq(author: RecordAuthor): number {
    return this.#highest.get(author) ?? 0;
  }

  expire(nowMs: number, rule: FloorRule): SignedRecord[] {
    const gone = this.list().filter((record) => record.expires_at < nowMs);
    for (const record of gone) {
      this.delete(record);
      this.#raiseFloor(record, rule);
    }
    for (const floors of this.#floors.values())
      for (const [name, { untilMs }] of floors) if (untilMs < nowMs) floors.delete(name);
    return gone;
  }

  floor({ author, kind, key }: RecordKey): number {
    const floors = this.#floors.get(author);
    return Math.max(floors?.get(slot(kind, key))?.seq ?? 0, floors?.get(FOR_ALL)?.seq ?? 0);
  }

  clear(): void {
    this.#byAuthor.clear();
  }

  #raiseFloor(record: SignedRecord, rule: FloorRule): void {
    const floors = this.#floors.get(record.author) ?? new Map();
    const untilMs = rule.untilMs(record);
    if (untilMs > record.expires_at) floors.set(slot(record.kind, record.key), { seq: record.seq, untilMs });
    this.#floors.set(record.author, floors);
    if (floors.size <= rule.most) return;
    const all = [...floors.values()];
    const highest = {
      seq: Math.max(...all.map((one) => one.seq)),
      untilMs: Math.max(...all.map((one) => one.untilMs)),
    };
    this.#floors.set(record.author, new Map([[FOR_ALL, highest]]));
  }
}

export class MemoryPeerStore implements PeerStore {
  readonly #peers = new Map<string, PeerAddress>();

  remember(peer: PeerAddress): void {
    this.#peers.set(`${peer.nodeId} ${peer.multiaddr}`, peer);
  }

  list(): PeerAddress[] {
    return [...this.#peers.values()];
  }

  forget(nodeId: NodeId): void {
    for (const [name, peer] of this.#peers) if (peer.nodeId === nodeId) this.#peers.delete(name);
  }
}

export class MemoryInviteStore implements InviteStore {
  readonly #invites = new Map<string, StoredInvite>();

  put(invite: StoredInvite): void {
    this.#invites.set(invite.inviteId, invite);
  }

  get(inviteId: string): StoredInvite | undefined {
    return this.#invites.get(inviteId);
  }

  list(): StoredInvite[] {
    return [...this.#invites.values()];
  }

  delete(inviteId: string): void {
    this.#invites.delete(inviteId);
  }
}

/** No slot: those have a line feed. */
const FOR_ALL = '*';

function slot(kind: RecordKind, key: string): string {
  return `${kind}\n${key}`;
}
