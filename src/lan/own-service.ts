/** A service of this machine as DNS records. Pure. Spec: docs/spec/24-local-network.md §2. */
import { type AddressRecord, isSameName, type OwnRecord, type PtrRecord, SERVICE_TYPES } from './dns.ts';
import { LAN_LIMITS } from './limits.ts';
import { toTxt } from './txt.ts';

export interface OwnService {
  /** `_atmosphere._tcp`. */
  readonly type: string;
  /** For people; dots become hyphens, and what is too long is cut. */
  readonly instance: string;
  /** Of the machine in this service, unique in the network: letters, digits, hyphens. */
  readonly host: string;
  readonly port: number;
  /** The most important first: what does not fit is left out. */
  readonly txt: readonly (readonly [string, string])[];
}

export interface ServiceRecords {
  readonly host: string;
  readonly pointer: PtrRecord;
  /** SRV and TXT of the instance. */
  readonly unique: readonly OwnRecord[];
  readonly addresses: readonly AddressRecord[];
  readonly typePointer: PtrRecord;
}

export function toRecords(service: OwnService, addresses: readonly string[]): ServiceRecords {
  const [type, host] = [`${service.type}.local`, `${service.host}.local`];
  const name = `${toLabel(service.instance)}.${type}`;
  const ttl = LAN_LIMITS.ownTtlSeconds;
  const own = { ttl, flush: true };
  return {
    host,
    pointer: { type: 'PTR', name: type, ttl, data: name },
    unique: [
      { type: 'SRV', name, ...own, data: { port: service.port, target: host } },
      { type: 'TXT', name, ...own, data: toTxt(service.txt) },
    ],
    addresses: addresses.map((data) => ({ type: 'A', name: host, ...own, data })),
    typePointer: { type: 'PTR', name: SERVICE_TYPES, ttl, data: type },
  };
}

export interface ServiceAnswer {
  readonly answers: readonly OwnRecord[];
  /** What whoever asks will ask next. */
  readonly additionals: readonly OwnRecord[];
}

/** All that is known under the name that is asked for; undefined where this service has nothing of that type there. */
export function answerTo(
  { name, type }: { readonly name: string; readonly type: string },
  { pointer, unique, addresses, typePointer }: ServiceRecords,
): ServiceAnswer | undefined {
  const answers: readonly ServiceAnswer[] = [
    { answers: [pointer], additionals: [...unique, ...addresses] },
    { answers: unique, additionals: addresses },
    { answers: addresses, additionals: [] },
    { answers: [typePointer], additionals: [] },
  ];
  const named = answers.find(({ answers: [first] }) => first !== undefined && isSameName(first.name, name));
  return named?.answers.some((record) => type === record.type || type === 'ANY') ? named : undefined;
}

/** Whole characters, as many as a label holds; a dot would end it. */
export function toLabel(text: string): string {
  let label = '';
  for (const { segment } of new Intl.Segmenter().segment(text.replaceAll('.', '-'))) {
    if (Buffer.byteLength(label + segment) > LAN_LIMITS.instanceBytes) break;
    label += segment;
  }
  return label || 'unnamed';
}
