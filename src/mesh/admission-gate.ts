/** Lets members in: the check of docs/spec/03-trust.md §8. The other side controls the hello. */
import type { Clock, MeshId, NodeId } from '../core/index.ts';
import { type Hello, parseHello, type RefusalReason, type SignedRecord } from '../protocol/index.ts';
import { type CertificateFlaw, certificateOfRecord, checkCertificate } from '../trust/index.ts';
import type { RecordLog } from './record-log.ts';
import type { AdmissionGate } from './transport.ts';

export interface MemberGateOptions {
  readonly meshId: MeshId;
  readonly nodeId: NodeId;
  readonly log: RecordLog;
  readonly clock: Clock;
  /** Our certificate where the log has none any more. */
  readonly certificateRecord: SignedRecord;
}

const REASONS: Readonly<Record<CertificateFlaw, RefusalReason>> = {
  other_mesh: 'other_mesh',
  bad_signature: 'not_certified',
  not_yet_valid: 'not_certified',
  expired: 'certificate_expired',
  revoked: 'revoked',
};

export class MemberGate implements AdmissionGate {
  readonly #options: MemberGateOptions;

  constructor(options: MemberGateOptions) {
    this.#options = options;
  }

  hello(): Hello {
    const { log, nodeId, meshId, certificateRecord } = this.#options;
    return { type: 'hello', mesh_id: meshId, certificate: log.certificateRecordOf(nodeId) ?? certificateRecord };
  }

  check(from: NodeId, value: unknown): RefusalReason | undefined {
    let hello: ReturnType<typeof parseHello>;
    try {
      hello = parseHello(value);
    } catch {
      return 'malformed';
    }
    return hello.type === 'refusal' ? hello.reason : this.#checkHello(from, hello);
  }

  #checkHello(from: NodeId, { mesh_id, certificate: record }: Hello): RefusalReason | undefined {
    const { meshId, log, clock } = this.#options;
    if (mesh_id !== meshId || record.author !== meshId) return 'other_mesh';
    if (log.isRevoked(from)) return 'revoked';
    if (record.kind !== 'certificate' || record.key !== from) return 'not_certified';
    // A member's certificate may be new to us: with it in the log its records are believed from now on, here and, since
    // it goes in as a word that nobody has passed on yet, everywhere.
    log.accept(record, undefined);
    return this.#checkRecord(from, record, clock.nowMs());
  }

  #checkRecord(from: NodeId, record: SignedRecord, nowMs: number): RefusalReason | undefined {
    const { meshId, log } = this.#options;
    try {
      const certificate = certificateOfRecord(record);
      if (certificate.node_id !== from) return 'not_certified';
      const flaw = checkCertificate(certificate, meshId, nowMs, (nodeId) => log.isRevoked(nodeId));
      return flaw === undefined ? undefined : REASONS[flaw];
    } catch {
      return 'malformed';
    }
  }
}
