/** Invites this node has given out. Satisfies mesh's InviteStore. */
import type { MeshId } from '../core/index.ts';
import type { Database, Row } from './database.ts';

interface Invite {
  readonly inviteId: string;
  readonly meshId: MeshId;
  readonly role: string;
  readonly secretHex: string;
  readonly expiresAtMs: number;
  readonly usesLeft: number;
  readonly failures: number;
}

export interface InviteRepository {
  put(invite: Invite): void;
  get(inviteId: string): Invite | undefined;
  list(): Invite[];
  delete(inviteId: string): void;
}

export function createInviteRepository(db: Database): InviteRepository {
  return {
    put({ inviteId, meshId, role, secretHex, expiresAtMs, usesLeft, failures }) {
      const values = [inviteId, meshId, role, secretHex, Math.trunc(expiresAtMs), usesLeft, failures];
      db.run('INSERT OR REPLACE INTO invites VALUES (?, ?, ?, ?, ?, ?, ?)', ...values);
    },
    get(inviteId) {
      const row = db.get('SELECT * FROM invites WHERE invite_id = ?', inviteId);
      return row === undefined ? undefined : toInvite(row);
    },
    list: () => db.all('SELECT * FROM invites ORDER BY expires_at, invite_id').map(toInvite),
    delete(inviteId) {
      db.run('DELETE FROM invites WHERE invite_id = ?', inviteId);
    },
  };
}

function toInvite(row: Row): Invite {
  return {
    inviteId: row.invite_id as string,
    meshId: row.mesh_id as MeshId,
    role: row.role as string,
    secretHex: row.secret_hex as string,
    expiresAtMs: row.expires_at as number,
    usesLeft: row.uses_left as number,
    failures: row.failures as number,
  };
}
