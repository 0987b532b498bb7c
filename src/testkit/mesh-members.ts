/** Identities of one mesh without a disk, from seeds: the same seed makes the same keys, ids and certificates everywhere. */
import { createHash } from 'node:crypto';
import {
  type Authority,
  certificateOfRecord,
  type Identity,
  issueCertificateRecord,
  keyFromSeed,
  publicBytesOf,
  toMeshId,
  toNodeId,
} from '../trust/index.ts';

export interface TestMesh {
  readonly authority: Authority;
  /** A member's identity; `withAuthority` for the one that may invite and revoke. */
  member(name: string, options?: MemberOptions): Identity;
}

export interface MemberOptions {
  readonly role?: string;
  readonly nowMs?: number;
  readonly lifeMs?: number;
  readonly withAuthority?: boolean;
}

export function makeTestMesh(seed: string, nowMs = 1_800_000_000_000): TestMesh {
  const authority = makeAuthority(seed);
  let serial = 0;
  const member = (name: string, options: MemberOptions = {}): Identity => {
    const nodeKey = keyFromSeed(seedBytes(`${seed}/node/${name}`));
    const nodeId = toNodeId(publicBytesOf(nodeKey));
    serial += 1;
    const certificateRecord = issueCertificateRecord(authority, {
      nodeId,
      name,
      role: options.role ?? 'member',
      serial,
      nowMs: options.nowMs ?? nowMs,
      ...(options.lifeMs !== undefined && { lifeMs: options.lifeMs }),
    });
    return {
      homeDir: '',
      nodeId,
      nodeKey,
      meshId: authority.id,
      meshName: seed,
      certificateRecord,
      certificate: certificateOfRecord(certificateRecord),
      authority: options.withAuthority === true ? authority : undefined,
    };
  };
  return { authority, member };
}

export function makeAuthority(seed: string): Authority {
  const privateKey = keyFromSeed(seedBytes(`${seed}/authority`));
  return { id: toMeshId(publicBytesOf(privateKey)), privateKey };
}

function seedBytes(seed: string): Buffer {
  return createHash('sha256').update(seed).digest();
}
