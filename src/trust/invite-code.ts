/** The text that lets a machine in. Spec: docs/spec/03-trust.md §5. */
import { createHash } from 'node:crypto';
import { multiaddr } from '@multiformats/multiaddr';
import { base58btc } from 'multiformats/bases/base58';
import type { MeshId, NodeId } from '../core/index.ts';
import { TrustError } from './errors.ts';
import { publicBytesOfId, toMeshId, toNodeId } from './keys.ts';
import { TRUST_LIMITS } from './limits.ts';

export interface InviteCode {
  readonly meshId: MeshId;
  readonly inviter: NodeId;
  /** 8 bytes in hex; public. */
  readonly inviteId: string;
  /** 16 bytes in hex; never sent. */
  readonly secretHex: string;
  /** Whole seconds: the code keeps no more. */
  readonly expiresAtMs: number;
  /** Multiaddrs without `/p2p`. */
  readonly addresses: readonly string[];
}

const PREFIX = 'atm1-';
const CHECK_BYTES = 4;
const FIXED_BYTES = 32 + 32 + 8 + 16 + 4 + 1;

export function encodeInviteCode(invite: InviteCode): string {
  const addresses = invite.addresses.slice(0, TRUST_LIMITS.inviteAddresses).map((text) => multiaddr(text).bytes);
  const expiry = Buffer.alloc(4);
  expiry.writeUInt32BE(Math.floor(invite.expiresAtMs / 1000));
  const body = Buffer.concat([
    publicBytesOfId(invite.meshId),
    publicBytesOfId(invite.inviter),
    Buffer.from(invite.inviteId, 'hex'),
    Buffer.from(invite.secretHex, 'hex'),
    expiry,
    Buffer.of(addresses.length),
    ...addresses.flatMap((bytes) => [Buffer.of(bytes.length), bytes]),
  ]);
  return PREFIX + base58btc.baseEncode(Buffer.concat([body, checkOf(body)]));
}

/** Throws TrustError `invite_mistyped`. Whether it has expired is asked by `verifyInviteTime`. */
export function parseInviteCode(text: string): InviteCode {
  if (text.length > TRUST_LIMITS.inviteCodeChars) throw mistyped('too long');
  const code = text.replace(/\s/g, '');
  if (!code.startsWith(PREFIX)) throw mistyped(`it does not begin with ${PREFIX}`);
  const body = verifiedBody(code.slice(PREFIX.length));
  try {
    return readBody(body);
  } catch (cause) {
    throw mistyped('its parts do not fit', cause);
  }
}

/** Throws TrustError `invite_expired`. */
export function verifyInviteTime(invite: InviteCode, nowMs: number): void {
  if (nowMs < invite.expiresAtMs) return;
  const ended = new Date(invite.expiresAtMs).toISOString();
  throw new TrustError('invite_expired', `Using an invite code: it ended at ${ended}`, {
    data: { expiresAtMs: invite.expiresAtMs },
  });
}

function verifiedBody(encoded: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = Buffer.from(base58btc.baseDecode(encoded));
  } catch (cause) {
    throw mistyped('a character is not of base58', cause);
  }
  if (bytes.length < FIXED_BYTES + CHECK_BYTES) throw mistyped('it is too short');
  const body = bytes.subarray(0, -CHECK_BYTES);
  if (!checkOf(body).equals(bytes.subarray(-CHECK_BYTES))) throw mistyped('its check does not fit');
  return body;
}

function readBody(body: Buffer): InviteCode {
  const addresses = readAddresses(body.subarray(FIXED_BYTES), body.readUInt8(FIXED_BYTES - 1));
  return {
    meshId: toMeshId(body.subarray(0, 32)),
    inviter: toNodeId(body.subarray(32, 64)),
    inviteId: body.toString('hex', 64, 72),
    secretHex: body.toString('hex', 72, 88),
    expiresAtMs: body.readUInt32BE(88) * 1000,
    addresses,
  };
}

function readAddresses(bytes: Buffer, count: number): string[] {
  if (count > TRUST_LIMITS.inviteAddresses) throw new RangeError(`${count} addresses`);
  const addresses: string[] = [];
  let position = 0;
  for (let index = 0; index < count; index += 1) {
    const length = bytes.readUInt8(position);
    const end = position + 1 + length;
    if (end > bytes.length) throw new RangeError('an address is cut off');
    addresses.push(multiaddr(new Uint8Array(bytes.subarray(position + 1, end))).toString());
    position = end;
  }
  if (position !== bytes.length) throw new RangeError('bytes are left over');
  return addresses;
}

function checkOf(body: Uint8Array): Buffer {
  return createHash('sha256').update(PREFIX).update(body).digest().subarray(0, CHECK_BYTES);
}

function mistyped(why: string, cause?: unknown): TrustError {
  return new TrustError('invite_mistyped', `Reading an invite code: ${why}`, { cause });
}
