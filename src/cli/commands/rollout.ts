import type { GroupSpec } from '../command.ts';
import { rolloutAbort } from './rollout-abort.ts';
import { rolloutList } from './rollout-list.ts';
import { rolloutPause } from './rollout-pause.ts';
import { rolloutResume } from './rollout-resume.ts';
import { rolloutShow } from './rollout-show.ts';

export const rollout: GroupSpec = {
  usage: 'rollout',
  about: 'Deployments in waves: see them, hold them, stop them',
  examples: [
    'atmosphere rollout list',
    'atmosphere rollout show 1f6c9a2b --watch',
    'atmosphere rollout abort 1f6c9a2b',
  ],
  children: [rolloutList, rolloutShow, rolloutPause, rolloutResume, rolloutAbort],
};
