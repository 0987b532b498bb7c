import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const MESH_ERRORS = {
  not_started: { kind: 'internal', fault: 'us', retry: true, means: 'The mesh is not running yet, or not any more.' },
  not_authority: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'This machine does not hold the authority key of its mesh. Invite and revoke on the one that made the mesh.',
  },
  not_joined: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'This node is in the mesh of its own authority; there is nothing to leave. `mesh init` starts another.',
  },
  already_member: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The code is of the mesh that this node is in.',
  },
  join_refused: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The inviter said no; `data.reason` tells why (docs/spec/03-trust.md §6.6).',
  },
  inviter_unproven: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means: 'Who answered at the code’s addresses does not know the invite’s secret. Nothing was accepted from it.',
  },
  peer_unreachable: {
    kind: 'unreachable',
    fault: 'network',
    retry: true,
    means: 'No address of a peer answered, or its connection ended. Look at addresses, ports and firewalls.',
  },
  peer_refused: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'A peer did not admit this node; `data.reason` tells why.',
  },
  request_failed: {
    kind: 'unreachable',
    fault: 'peer',
    retry: true,
    means: 'A peer did not answer a question, or answered something else.',
  },
  listen_failed: {
    kind: 'refused',
    fault: 'user',
    retry: true,
    means:
      'A mesh address cannot be opened; as a rule another program has the port. Choose another with --mesh-port, or another address with --host.',
  },
  unknown_node: { kind: 'not_found', fault: 'user', retry: false, means: 'No member of this mesh has that node id.' },
  invalid_invite: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'Role, life or uses of an invite are out of bounds.',
  },
  record_refused: {
    kind: 'internal',
    fault: 'us',
    retry: false,
    means: 'A record of our own did not pass its own validation.',
  },
} as const satisfies ErrorTable;

export type MeshErrorCode = keyof typeof MESH_ERRORS;

export class MeshError extends AtmosphereError<MeshErrorCode> {
  constructor(code: MeshErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(MESH_ERRORS, code, message, options);
  }
}
