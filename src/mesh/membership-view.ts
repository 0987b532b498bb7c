/** Who is in and who is out, read from the authority's records. */
import type { NodeId } from '../core/index.ts';
import { type NodeCertificate, parseCertificate, parseRevocation, type SignedRecord } from '../protocol/index.ts';

export interface Revoked {
  readonly revokedAtMs: number;
  readonly reason: string;
}

export class MembershipView {
  readonly #certificates = new Map<NodeId, NodeCertificate>();
  readonly #revocations = new Map<NodeId, Revoked>();

  constructor(records: readonly SignedRecord[]) {
    for (const record of records) this.apply(record);
  }

  certificateOf(nodeId: NodeId): NodeCertificate | undefined {
    return this.#certificates.get(nodeId);
  }

  revocationOf(nodeId: NodeId): Revoked | undefined {
    return this.#revocations.get(nodeId);
  }

  certificates(): NodeCertificate[] {
    return [...this.#certificates.values()];
  }

  apply(record: SignedRecord): void {
    if (record.kind === 'certificate') this.#certificates.set(record.key as NodeId, parseCertificate(record.payload));
    if (record.kind === 'revocation') this.#applyRevocation(record);
  }

  drop(record: SignedRecord): void {
    if (record.kind === 'certificate') this.#certificates.delete(record.key as NodeId);
    if (record.kind === 'revocation') this.#revocations.delete(record.key as NodeId);
  }

  #applyRevocation(record: SignedRecord): void {
    const { revoked_at, reason } = parseRevocation(record.payload);
    this.#revocations.set(record.key as NodeId, { revokedAtMs: revoked_at, reason });
  }
}
