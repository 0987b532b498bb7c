/** The stores of the mesh in memory: for tests, simulations and embedders that keep nothing. */
import type { NodeId } from '../core/index.ts';
import type { RecordAuthor, RecordKind, SignedRecord } from '../protocol/index.ts';
import type { InviteStore, PeerAddress, PeerStore, RecordHead, RecordKey, RecordStore, StoredInvite } from './ports.ts';
import { recordBytes } from './record-usage.ts';

export class MemoryRecordStore implements RecordStore {
  readonly #byAuthor = new Map<RecordAuthor, Map<string, SignedRecord>>();
  readonly #highest = new Map<RecordAuthor, number>();

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

  expire(nowMs: number): SignedRecord[] {
    const gone = this.list().filter((record) => record.expires_at < nowMs);
    for (const record of gone) this.delete(record);
    return gone;
  }

  clear(): void {
    this.#byAuthor.clear();
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

function slot(kind: RecordKind, key: string): string {
  return `${kind}\n${key}`;
}
