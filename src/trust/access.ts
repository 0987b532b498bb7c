/** Who may do what: the table of docs/spec/03-trust.md §3.3. Pure. */
import { isMeshId } from '../core/index.ts';
import type { RecordAuthor, RecordKind } from '../protocol/index.ts';

export const KNOWN_ROLES = ['admin', 'gateway', 'edge', 'member'] as const;
export type KnownRole = (typeof KNOWN_ROLES)[number];
export type Right = 'read_models' | 'author_state' | 'relay' | 'manage';

const RIGHTS: Readonly<Record<KnownRole, readonly Right[]>> = {
  admin: ['read_models', 'author_state', 'relay', 'manage'],
  gateway: ['read_models', 'author_state', 'relay'],
  edge: ['read_models', 'author_state'],
  member: ['read_models', 'author_state'],
};

/** A role of free name has the rights of `member`. */
export function hasRight(role: string, right: Right): boolean {
  const known = KNOWN_ROLES.find((name) => name === role) ?? 'member';
  return RIGHTS[known].includes(right);
}

export function mayRead(role: string): boolean {
  return hasRight(role, 'read_models');
}

/** May a node of this role author records of this kind? Certificates and revocations are the authority's alone. */
export function mayAuthor(role: string, kind: RecordKind): boolean {
  return !isAuthorityKind(kind) && hasRight(role, 'author_state');
}

export function isAuthorityKind(kind: RecordKind): boolean {
  return kind === 'certificate' || kind === 'revocation';
}

/** True for the author's sort being right for the kind: authority kinds by a mesh id, all others by a node id. */
export function isRightAuthor(author: RecordAuthor, kind: RecordKind): boolean {
  return isMeshId(author) === isAuthorityKind(kind);
}
