/** Ed25519 keys and the ids that carry them. Spec: docs/spec/03-trust.md §1. */
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { base58btc } from 'multiformats/bases/base58';
import { isMeshId, type MeshId, type NodeId, parseMeshId, parseNodeId } from '../core/index.ts';

/** identity multihash (00), 36 bytes of libp2p's protobuf: key type Ed25519 (08 01), 32 bytes of key (12 20). */
const NODE_ID_PREFIX = Buffer.from('002408011220', 'hex');
const MESH_ID_PREFIX = 'mesh_';
/** DER of an Ed25519 SubjectPublicKeyInfo up to the key, and of a PKCS #8 key up to the seed (RFC 8410). */
const SPKI_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const KEY_BYTES = 32;

export function makeKey(): KeyObject {
  return generateKeyPairSync('ed25519').privateKey;
}

/** The private key of a 32-byte seed. */
export function keyFromSeed(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_PREFIX, seed]), format: 'der', type: 'pkcs8' });
}

/** The 32 bytes that make the private key, as libp2p takes them. */
export function seedOf(privateKey: KeyObject): Buffer {
  return privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8_PREFIX.length);
}

/** The 32 public bytes of a private or public key. */
export function publicBytesOf(key: KeyObject): Buffer {
  return toPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI_PREFIX.length);
}

/** The public half of a private key; a public one is itself. */
export function toPublicKey(key: KeyObject): KeyObject {
  return key.type === 'private' ? createPublicKey(key) : key;
}

export function publicKeyFromBytes(bytes: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, bytes]), format: 'der', type: 'spki' });
}

export function toNodeId(publicBytes: Uint8Array): NodeId {
  return parseNodeId(base58btc.baseEncode(Buffer.concat([NODE_ID_PREFIX, publicBytes])));
}

export function toMeshId(publicBytes: Uint8Array): MeshId {
  return parseMeshId(MESH_ID_PREFIX + base58btc.baseEncode(Buffer.from(publicBytes)));
}

/** The public bytes in a node or mesh id. Throws CoreError `invalid_id`. */
export function publicBytesOfId(id: NodeId | MeshId): Buffer {
  return isMeshId(id) ? meshIdBytes(id) : nodeIdBytes(id);
}

/** The key in an id; what signatures of that author verify by. Throws CoreError `invalid_id`. */
export function publicKeyOfId(id: NodeId | MeshId): KeyObject {
  return publicKeyFromBytes(publicBytesOfId(id));
}

function nodeIdBytes(id: NodeId): Buffer {
  const bytes = Buffer.from(base58btc.baseDecode(id));
  const rightForm = bytes.length === NODE_ID_PREFIX.length + KEY_BYTES && bytes.indexOf(NODE_ID_PREFIX) === 0;
  if (!rightForm) parseNodeId(`not an Ed25519 peer id: ${id}`);
  return bytes.subarray(NODE_ID_PREFIX.length);
}

function meshIdBytes(id: MeshId): Buffer {
  const bytes = Buffer.from(base58btc.baseDecode(id.slice(MESH_ID_PREFIX.length)));
  if (bytes.length !== KEY_BYTES) parseMeshId(`not 32 bytes: ${id}`);
  return bytes;
}
