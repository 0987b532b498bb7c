/** The records of a mesh as its log keeps them, its certificates, and its events; nothing else of a mesh is asked. */
import { Emitter, type NodeId } from '../../core/index.ts';
import type { MembershipEvent, RecordEvent } from '../../mesh/index.ts';
import type { NodeCertificate, RecordKind, SignedRecord } from '../../protocol/index.ts';
import type { VirtualClock } from '../../testkit/virtual-clock.ts';

export function memberId(letter: string): NodeId {
  return `12D3KooW${letter.repeat(44)}` as NodeId;
}

export class FakeMesh {
  readonly nodeId = memberId('S');
  readonly recordEvents = new Emitter<RecordEvent>();
  readonly membershipEvents = new Emitter<MembershipEvent>();
  readonly roles = new Map<NodeId, string>([[this.nodeId, 'admin']]);
  readonly revoked = new Set<NodeId>();
  readonly published: SignedRecord[] = [];
  readonly #clock: VirtualClock;
  #stored: SignedRecord[] = [];
  #seq = 0;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  get role(): string {
    return this.roles.get(this.nodeId) ?? 'member';
  }

  certificateOf(nodeId: NodeId): NodeCertificate | undefined {
    const role = this.roles.get(nodeId);
    return role === undefined ? undefined : ({ role, name: nodeId } as unknown as NodeCertificate);
  }

  isRevoked(nodeId: NodeId): boolean {
    return this.revoked.has(nodeId);
  }

  records({ author, kind }: { readonly author?: string; readonly kind?: string } = {}): SignedRecord[] {
    return this.#stored.filter(
      (record) => (author ?? record.author) === record.author && (kind ?? record.kind) === record.kind,
    );
  }

  publish(draft: {
    readonly kind: RecordKind;
    readonly key: string;
    readonly payload: Record<string, unknown>;
    readonly ttlMs: number;
  }): SignedRecord {
    const record = this.accept(this.nodeId, draft.kind, draft.payload, draft);
    this.published.push(record);
    return record;
  }

  accept(
    author: NodeId,
    kind: RecordKind,
    payload: Record<string, unknown>,
    { key = '', ttlMs = 86_400_000 }: { readonly key?: string; readonly ttlMs?: number } = {},
  ): SignedRecord {
    this.#seq += 1;
    const nowMs = this.#clock.nowMs();
    const signature = { signer: author, algorithm: 'ed25519' as const, signature: 'base64:', signed_at: '' };
    const times = { issued_at: nowMs, expires_at: nowMs + ttlMs };
    const record = { type: 'record', kind, author, key, seq: this.#seq, ...times, payload, signature } as SignedRecord;
    this.#stored = this.#stored.filter((held) => held.author !== author || held.kind !== kind || held.key !== key);
    this.#stored.push(record);
    this.recordEvents.emit({ type: 'accepted', record, replaced: undefined, via: undefined });
    return record;
  }

  expire(record: SignedRecord): void {
    this.#stored = this.#stored.filter((held) => held !== record);
    this.recordEvents.emit({ type: 'expired', record });
  }

  revoke(nodeId: NodeId): void {
    this.revoked.add(nodeId);
    this.#stored = this.#stored.filter((held) => held.author !== nodeId);
    this.recordEvents.emit({ type: 'revoked', nodeId, reason: '' });
  }
}
