/**
 * All records that this node holds, its own among them. Spec: docs/spec/02-records.md.
 * Rules: nothing enters but through `accept` (others' and, all the same, our own); the store is written before anyone hears of
 * a record; the membership view (certificates, revocations) follows the store and never leads it. Knows no network.
 */
import { type Clock, Emitter, isMeshId, type Logger, type NodeId } from '../core/index.ts';
import {
  type NodeCertificate,
  PROTOCOL_LIMITS,
  parseRecord,
  type RecordKind,
  type SignedRecord,
} from '../protocol/index.ts';
import { type Authority, type Identity, issueRevocation, type Signer, signRecord } from '../trust/index.ts';
import { checkRecord, isOrderKind, longestLifeMs, type RecordRejection } from './check-record.ts';
import { MeshError } from './errors.ts';
import { MESH_LIMITS } from './limits.ts';
import { MembershipView, type Revoked } from './membership-view.ts';
import type { FloorRule, RecordHead, RecordStore } from './ports.ts';
import { RecordUsage } from './record-usage.ts';

export type RecordEvent =
  | {
      readonly type: 'accepted';
      readonly record: SignedRecord;
      readonly replaced: SignedRecord | undefined;
      readonly via: NodeId | undefined;
    }
  | { readonly type: 'expired' | 'removed'; readonly record: SignedRecord }
  | { readonly type: 'revoked'; readonly nodeId: NodeId; readonly reason: string };

export type RecordVerdict =
  | { readonly accepted: true; readonly record: SignedRecord }
  | { readonly accepted: false; readonly rejection: RecordRejection };

export interface RecordDraftOfNode {
  readonly kind: RecordKind;
  readonly key: string;
  readonly payload: Record<string, unknown>;
  readonly ttlMs: number;
}

export interface RecordLogOptions {
  readonly identity: Identity;
  readonly store: RecordStore;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class RecordLog {
  readonly events: Emitter<RecordEvent>;
  readonly #identity: Identity;
  readonly #store: RecordStore;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #usage: RecordUsage;
  readonly #view: MembershipView;

  /** Opens over what the store holds. Records of another mesh, left by a crash during a change, are cleared. */
  constructor({ identity, store, clock, logger }: RecordLogOptions) {
    this.#identity = identity;
    this.#store = store;
    this.#clock = clock;
    this.#logger = logger;
    this.events = new Emitter((thrown) => logger.error({ err: thrown }, 'record listener failed'));
    const ofOtherMesh = store.authors().some(({ author }) => isMeshId(author) && author !== identity.meshId);
    if (ofOtherMesh) store.clear();
    this.#usage = new RecordUsage(store);
    this.#view = new MembershipView(store.list({ author: identity.meshId }));
    this.accept(identity.certificateRecord, undefined);
  }

  certificateOf(nodeId: NodeId): NodeCertificate | undefined {
    return this.#view.certificateOf(nodeId);
  }

  certificateRecordOf(nodeId: NodeId): SignedRecord | undefined {
    return this.#store.get({ author: this.#identity.meshId, kind: 'certificate', key: nodeId });
  }

  isRevoked(nodeId: NodeId): boolean {
    return this.#view.revocationOf(nodeId) !== undefined;
  }

  revocationOf(nodeId: NodeId): Revoked | undefined {
    return this.#view.revocationOf(nodeId);
  }

  certificates(): NodeCertificate[] {
    return this.#view.certificates();
  }

  /** Records that are in force now. */
  list(filter?: Parameters<RecordStore['list']>[0]): SignedRecord[] {
    const nowMs = this.#clock.nowMs();
    return this.#store.list(filter).filter((record) => record.expires_at > nowMs);
  }

  /** The same without payloads. */
  heads(filter?: Parameters<RecordStore['heads']>[0]): RecordHead[] {
    const nowMs = this.#clock.nowMs();
    return this.#store.heads(filter).filter((record) => record.expires_at > nowMs);
  }

  get(id: Parameters<RecordStore['get']>[0]): SignedRecord | undefined {
    const record = this.#store.get(id);
    return record !== undefined && record.expires_at > this.#clock.nowMs() ? record : undefined;
  }

  /** Signs and stores a record of this node. Throws MeshError `record_refused`. */
  publish(draft: RecordDraftOfNode): SignedRecord {
    return this.#publishAs({ id: this.#identity.nodeId, privateKey: this.#identity.nodeKey }, draft);
  }

  /** Stores a record that the authority has signed here. Throws MeshError `record_refused`. */
  publishSigned(record: SignedRecord): SignedRecord {
    const verdict = this.accept(record, undefined);
    if (verdict.accepted) return verdict.record;
    throw refusedOwn(record.kind, verdict.rejection);
  }

  /** Puts a node out for good. */
  revoke(authority: Authority, nodeId: NodeId, reason: string): SignedRecord {
    const payload = issueRevocation(authority, { nodeId, reason, nowMs: this.#clock.nowMs() });
    const ttlMs = MESH_LIMITS.authorityRecordLifeMs;
    return this.#publishAs(authority, { kind: 'revocation', key: nodeId, payload, ttlMs });
  }

  /** The next sequence number of an author whose key is here (docs/spec/02-records.md §1.3). */
  nextSeq(author: Signer['id']): number {
    return Math.max(this.#store.highestSeq(author) + 1, Math.floor(this.#clock.nowMs()));
  }

  /** Validates and keeps a record, from whomever it came. Never throws for what is in it. */
  accept(value: unknown, via: NodeId | undefined): RecordVerdict {
    const record = readRecord(value);
    if (typeof record === 'string') return this.#reject(record, via);
    const held = this.#store.get(record);
    const rejection = checkRecord(record, {
      meshId: this.#identity.meshId,
      nowMs: this.#clock.nowMs(),
      certificateOf: (nodeId) => this.certificateOf(nodeId),
      isRevoked: (nodeId) => this.isRevoked(nodeId),
      held,
      floor: held === undefined ? this.#store.floor(record) : 0,
      wouldExceed: (next, before) => this.#usage.wouldExceed(next, before),
    });
    if (rejection !== undefined) return this.#reject(rejection, via);
    this.#keep(record, held, via);
    return { accepted: true, record };
  }

  /** Deletes what has expired. */
  sweep(): void {
    for (const record of this.#store.expire(this.#clock.nowMs(), FLOORS)) {
      this.#usage.remove(record);
      this.#view.drop(record);
      this.events.emit({ type: 'expired', record });
    }
  }

  #publishAs(signer: Signer, draft: RecordDraftOfNode): SignedRecord {
    const issuedAtMs = Math.floor(this.#clock.nowMs());
    const ttlMs = this.#lifeOf(draft, signer, issuedAtMs);
    return this.publishSigned(signRecord({ ...draft, ttlMs, seq: this.nextSeq(signer.id), issuedAtMs }, signer));
  }

  /** An order outlives what it takes the place of: else, where it was never seen, the old one could be shown when it is over. */
  #lifeOf({ kind, key, ttlMs }: RecordDraftOfNode, { id: author }: Signer, issuedAtMs: number): number {
    const replaced = isOrderKind(kind) ? this.#store.get({ author, kind, key }) : undefined;
    return Math.max(ttlMs, (replaced?.expires_at ?? 0) - issuedAtMs);
  }

  #keep(record: SignedRecord, held: SignedRecord | undefined, via: NodeId | undefined): void {
    this.#store.put(record);
    if (held !== undefined) this.#usage.remove(held);
    this.#usage.add(record);
    this.#view.apply(record);
    this.events.emit({ type: 'accepted', record, replaced: held, via });
    if (record.kind === 'revocation') this.#applyRevocation(record.key as NodeId, record);
  }

  #applyRevocation(nodeId: NodeId, revocation: SignedRecord): void {
    for (const record of this.#store.list({ author: nodeId })) {
      this.#store.delete(record);
      this.#usage.remove(record);
      this.events.emit({ type: 'removed', record });
    }
    this.events.emit({ type: 'revoked', nodeId, reason: String(revocation.payload.reason) });
  }

  #reject(rejection: RecordRejection, via: NodeId | undefined): RecordVerdict {
    if (rejection !== 'known' && rejection !== 'stale') this.#logger.debug({ rejection, via }, 'record refused');
    return { accepted: false, rejection };
  }
}

/** An older record was made before, so it is over by then. */
const FLOORS: FloorRule = {
  untilMs: (record) => record.issued_at + longestLifeMs(record) + PROTOCOL_LIMITS.clockSkewMs,
  most: MESH_LIMITS.floorsPerAuthor,
};

function readRecord(value: unknown): SignedRecord | RecordRejection {
  try {
    const record = parseRecord(value);
    return Buffer.byteLength(JSON.stringify(record)) > PROTOCOL_LIMITS.recordBytes ? 'too_large' : record;
  } catch {
    return 'malformed';
  }
}

function refusedOwn(kind: RecordKind, rejection: RecordRejection): MeshError {
  return new MeshError('record_refused', `Publishing a ${kind} record: it was refused as ${rejection}`, {
    data: { rejection },
  });
}
