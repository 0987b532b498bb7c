/** Every command, in the order of the help. */
import type { AnyCommand } from '../command.ts';
import { access } from './access.ts';
import { audit } from './audit.ts';
import { completion } from './completion.ts';
import { consent } from './consent.ts';
import { doctor } from './doctor.ts';
import { down } from './down.ts';
import { join } from './join.ts';
import { mesh } from './mesh.ts';
import { model } from './model.ts';
import { packages } from './package.ts';
import { relay } from './relay.ts';
import { rollout } from './rollout.ts';
import { rules } from './rules.ts';
import { status } from './status.ts';
import { transfers } from './transfers.ts';
import { up } from './up.ts';

export const COMMANDS: readonly AnyCommand[] = [
  up,
  down,
  status,
  mesh,
  join,
  model,
  rollout,
  rules,
  packages,
  transfers,
  relay,
  access,
  consent,
  audit,
  doctor,
  completion,
];
