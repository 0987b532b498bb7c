/** The part of DNS that services are told in: what is sent, and what may be read of what came. Pure. Spec: docs/spec/24-local-network.md §2. */

export interface PtrRecord {
  readonly type: 'PTR';
  readonly name: string;
  readonly ttl: number;
  readonly data: string;
}
export interface SrvRecord {
  readonly type: 'SRV';
  readonly name: string;
  readonly ttl: number;
  readonly flush: boolean;
  readonly data: { readonly port: number; readonly target: string };
}
export interface TxtRecord {
  readonly type: 'TXT';
  readonly name: string;
  readonly ttl: number;
  readonly flush: boolean;
  readonly data: readonly Uint8Array[];
}
export interface AddressRecord {
  readonly type: 'A';
  readonly name: string;
  readonly ttl: number;
  readonly flush: boolean;
  readonly data: string;
}
export type OwnRecord = PtrRecord | SrvRecord | TxtRecord | AddressRecord;

export interface Question {
  readonly name: string;
  readonly type: 'PTR' | 'SRV' | 'TXT' | 'A' | 'ANY';
}

/** A record as it was decoded: whatever the type, the data may be anything. */
export interface HeardRecord {
  readonly type: string;
  readonly name: string;
  readonly ttl: number;
  readonly data: unknown;
}

export interface HeardPacket {
  readonly id: number;
  readonly questions: readonly { readonly name: string; readonly type: string }[];
  readonly answers: readonly HeardRecord[];
  readonly additionals: readonly HeardRecord[];
}

export interface OutgoingPacket {
  readonly id?: number;
  readonly questions?: readonly Question[];
  readonly answers?: readonly OwnRecord[];
  readonly additionals?: readonly OwnRecord[];
}

/** Names in DNS are the same whatever their case. */
export function isSameName(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

/** Lists everything that offers a service (RFC 6763 §9). */
export const SERVICE_TYPES = '_services._dns-sd._udp.local';
