/**
 * Branded identifiers: a string is parsed once at the edge and trusted afterwards.
 * Spec: docs/spec/01-content.md §1 (digests), docs/spec/03-trust.md §1 (keys).
 */
import { CoreError } from './errors.ts';

export type Brand<T, Name extends string> = T & { readonly '~brand': Name };

/** Lower-case hex SHA-256 of a whole blob, 64 characters: the name of content everywhere. */
export type Sha256 = Brand<string, 'Sha256'>;
/** Lower-case hex root of a blob's piece list, 64 characters (docs/spec/01-content.md §3). */
export type PieceRoot = Brand<string, 'PieceRoot'>;
/** A node's Ed25519 public key in libp2p's peer id form, `12D3KooW…`. */
export type NodeId = Brand<string, 'NodeId'>;
/** A mesh's Ed25519 authority public key: `mesh_` and base58btc of the 32 bytes. */
export type MeshId = Brand<string, 'MeshId'>;
/** A model's name in a mesh, organisation kept: `org/name`, `library/llama3:8b`. */
export type ModelId = Brand<string, 'ModelId'>;
/** A download as its user sees it: UUID v4. */
export type RequestId = Brand<string, 'RequestId'>;

const HEX_64 = /^[0-9a-f]{64}$/;
const NODE_ID = /^12D3KooW[1-9A-HJ-NP-Za-km-z]{44}$/;
const MESH_ID = /^mesh_[1-9A-HJ-NP-Za-km-z]{40,44}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** True for 64 lower-case hex characters that are not all zero. */
export function isSha256(text: string): text is Sha256 {
  return HEX_64.test(text) && !/^0+$/.test(text);
}

export function isNodeId(text: string): text is NodeId {
  return NODE_ID.test(text);
}

export function isMeshId(text: string): text is MeshId {
  return MESH_ID.test(text);
}

/** Takes `sha256:<hex>` or `<hex>` in either case. Throws CoreError `invalid_id`. */
export function parseSha256(text: string): Sha256 {
  const hex = text.toLowerCase().replace(/^sha256:/, '');
  if (isSha256(hex)) return hex;
  throw invalid('SHA-256', text, '64 hex characters');
}

export function parsePieceRoot(text: string): PieceRoot {
  if (HEX_64.test(text)) return text as PieceRoot;
  throw invalid('piece root', text, '64 lower-case hex characters');
}

export function parseNodeId(text: string): NodeId {
  if (isNodeId(text)) return text;
  throw invalid('node id', text, '12D3KooW and 44 base58 characters');
}

export function parseMeshId(text: string): MeshId {
  if (isMeshId(text)) return text;
  throw invalid('mesh id', text, 'mesh_ and a base58 public key');
}

export function parseRequestId(text: string): RequestId {
  if (UUID.test(text)) return text as RequestId;
  throw invalid('request id', text, 'a UUID');
}

function invalid(what: string, got: string, wanted: string): CoreError {
  const shown = got.length > 80 ? `${got.slice(0, 80)}…` : got;
  return new CoreError('invalid_id', `Reading a ${what}: got ${JSON.stringify(shown)}, wanted ${wanted}`, {
    data: { what },
  });
}
