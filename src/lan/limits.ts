import { type LimitTable, limitValues } from '../core/index.ts';

export const LAN_LIMIT_TABLE = {
  interfaces: { value: 16, why: 'networks of this machine that are spoken to; a socket each' },
  interfaceLookEveryMs: { value: 5000, why: 'a cable or a network that comes or goes is noticed by then' },
  recordsPerPacket: { value: 128, why: 'records of one packet that are looked at; ours have 6' },
  services: { value: 256, why: 'services that are kept, of all machines together' },
  servicesPerAddress: { value: 8, why: 'those of one machine: nobody may take all places' },
  txtBytes: { value: 1300, why: 'a TXT record that still fits one Ethernet packet with the rest of the answer' },
  txtEntries: { value: 64, why: 'entries of a TXT record' },
  txtEntryBytes: { value: 255, why: 'one entry, as DNS has it' },
  instanceBytes: { value: 63, why: 'an instance name, as DNS has it' },
  ttlSeconds: { value: 4500, why: 'no word of a stranger is believed for longer' },
  ownTtlSeconds: { value: 120, why: 'so long others know a gateway that was switched off without a goodbye' },
  unicastTtlSeconds: { value: 10, why: 'what a program is told that does not listen for changes (RFC 6762 §6.7)' },
  answerEveryMs: { value: 1000, why: 'the same answer goes to all of a network at most so often, whoever asks' },
  unicastAnswersPerSecond: { value: 10, why: 'answers to single askers, on one network' },
  askEveryMs: { value: 60_000, why: 'the longest pause between two questions while somebody looks' },
  followUpsPerSecond: { value: 5, why: 'questions after details that an answer left out' },
  goodbyeMs: { value: 500, why: 'how long stopping waits for the goodbye to be on its way' },
} as const satisfies LimitTable;

export const LAN_LIMITS = limitValues(LAN_LIMIT_TABLE);
