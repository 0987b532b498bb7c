import { type LimitTable, limitValues } from '../core/index.ts';

const DAY_MS = 86_400_000;

export const TRUST_LIMIT_TABLE = {
  certificateLifeMs: { value: 365 * DAY_MS, why: 'how long a new certificate holds' },
  tlsCertificateLifeMs: { value: 30 * DAY_MS, why: 'the X.509 wrapper around a node key is made anew at every start' },
  tlsCertificateBytes: { value: 8192, why: 'a peer’s X.509 certificate, with the mesh certificate in it' },
  tokenDefaultLifeSeconds: { value: 3600, why: 'a token that leaks is worth little' },
  tokenMaxLifeSeconds: { value: 86_400, why: 'longer ones are refused even when a member signed them' },
  tokenChars: { value: 4096, why: 'checked before a token is parsed' },
  inviteCodeChars: { value: 2048, why: 'checked before a code is decoded' },
  inviteAddresses: { value: 8, why: 'addresses in an invite code' },
  modelBundleChars: { value: 8_388_608, why: 'a signature bundle of a model of 10,000 files' },
  keyFileBytes: { value: 4096, why: 'a key file that is larger is not one' },
  membershipFileBytes: { value: 65_536, why: 'mesh.json with its certificate' },
} as const satisfies LimitTable;

export const TRUST_LIMITS = limitValues(TRUST_LIMIT_TABLE);
