/** What the mesh needs of others, and what it is to others. Spec: docs/spec/02-records.md. */
import type { MeshId, NodeId } from '../core/index.ts';
import type { RecordAuthor, RecordKind, SignedRecord } from '../protocol/index.ts';

export interface RecordKey {
  readonly author: RecordAuthor;
  readonly kind: RecordKind;
  readonly key: string;
}

/** What tells a record's state without its payload. */
export type RecordHead = Pick<SignedRecord, 'author' | 'kind' | 'key' | 'seq' | 'expires_at'>;

/** How long an expired record's number is remembered, so that an older one of its name does not come back. */
export interface FloorRule {
  untilMs(record: SignedRecord): number;
  /** An author that leaves more has one floor for all that it says. */
  readonly most: number;
}

/** Keeps records over restarts; SQLite in the daemon, a map in tests. Calls are synchronous and atomic. */
export interface RecordStore {
  get(id: RecordKey): SignedRecord | undefined;
  put(record: SignedRecord): void;
  delete(id: RecordKey): void;
  list(filter?: { readonly author?: RecordAuthor; readonly kind?: RecordKind }): SignedRecord[];
  /** The same without payloads: what a peer may ask for often must not cost a reading of everything. */
  heads(filter?: { readonly author?: RecordAuthor }): RecordHead[];
  /** Who has records here, how many, and their size as JSON. */
  authors(): { readonly author: RecordAuthor; readonly count: number; readonly bytes: number }[];
  /** The highest sequence number ever seen of this author, kept when its records expire or are cleared. */
  highestSeq(author: RecordAuthor): number;
  /**
   * Deletes records that expired before `nowMs`, leaves the floor of each and returns them; forgets floors whose time is over.
   * All of it or nothing.
   */
  expire(nowMs: number, floors: FloorRule): SignedRecord[];
  /** The highest sequence number that a record of this name must be above; 0 where none is remembered. */
  floor(id: RecordKey): number;
  /** Everything of a mesh that this node has left. */
  clear(): void;
}

export interface PeerAddress {
  readonly nodeId: NodeId;
  readonly multiaddr: string;
  readonly lastSeenMs: number;
}

/** Addresses that worked before, to dial at start. */
export interface PeerStore {
  remember(peer: PeerAddress): void;
  list(): PeerAddress[];
  forget(nodeId: NodeId): void;
}

/** Invites this node has given out; counted down over restarts. */
export interface InviteStore {
  put(invite: StoredInvite): void;
  get(inviteId: string): StoredInvite | undefined;
  list(): StoredInvite[];
  delete(inviteId: string): void;
}

export interface StoredInvite {
  readonly inviteId: string;
  readonly meshId: MeshId;
  readonly role: string;
  /** 16 random bytes, hex. */
  readonly secretHex: string;
  readonly expiresAtMs: number;
  readonly usesLeft: number;
  /** Wrong proofs so far; the invite locks at the limit. */
  readonly failures: number;
}
