import type { GroupSpec } from '../command.ts';
import { meshInit } from './mesh-init.ts';
import { meshInvite } from './mesh-invite.ts';
import { meshLeave } from './mesh-leave.ts';
import { meshNodes } from './mesh-nodes.ts';
import { meshRevoke } from './mesh-revoke.ts';
import { meshToken } from './mesh-token.ts';

export const mesh: GroupSpec = {
  usage: 'mesh',
  about: 'The mesh and its nodes: make, invite, list, revoke, leave',
  examples: ['atmosphere mesh init --name factory-7', 'atmosphere mesh invite', 'atmosphere mesh nodes'],
  children: [meshInit, meshInvite, meshNodes, meshRevoke, meshLeave, meshToken],
};
