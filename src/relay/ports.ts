/** What the relay's three sides need of others. `node` satisfies these. Spec: docs/spec/13-relay.md. */
import type { NodeId } from '../core/index.ts';

/** This node's key and certificate, PEM; asked anew for every connection, for they are renewed. */
export interface RelayIdentity {
  readonly key: string;
  readonly cert: string;
}

/** Who shows a certificate (DER). Throws for anyone who is not a current member of this mesh. */
export type VerifyMember = (certificateDer: Uint8Array) => { readonly nodeId: NodeId; readonly role: string };

/** Bytes moved on one day, by member; kept over restarts. */
export interface UsageOfDay {
  /** Days since 1970, UTC. */
  readonly day: number;
  readonly bytes: Readonly<Record<string, number>>;
}

export interface UsageStore {
  /** Whatever lies there: the ledger checks it. */
  load(): unknown;
  /** Throws where it cannot be kept; the relay goes on. */
  save(usage: UsageOfDay): void;
}

/** ALPN of control connections. */
export const CONTROL_PROTOCOL = 'atmosphere-relay/1';
