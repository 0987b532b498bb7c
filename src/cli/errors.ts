import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const CLI_ERRORS = {
  bad_usage: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The command line was not understood. `--help` after any command shows what it takes.',
  },
  daemon_not_started: {
    kind: 'internal',
    fault: 'us',
    retry: false,
    means: 'The daemon ended, or was not ready in time, when started in the background. Its log says why.',
  },
  daemon_not_stopped: {
    kind: 'unreachable',
    fault: 'us',
    retry: true,
    means: 'The daemon was asked to stop and its process is still there.',
  },
  home_unusable: {
    kind: 'storage',
    fault: 'disk',
    retry: false,
    means: 'The home directory, or a file in it, cannot be read or written by this user.',
  },
  output_unusable: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'What `--output` says cannot be written: its folder is not there, or not for this user, or its disk is full.',
  },
  nothing_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'The command found nothing to work on: no model under the path, no transfer of that name.',
  },
  rollout_undone: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'The rollout that was followed was rolled back, or stopped by somebody. `atmosphere rollout show ID` tells why.',
  },
  editor_failed: {
    kind: 'usage',
    fault: 'user',
    retry: true,
    means:
      'The editor that VISUAL or EDITOR names could not be started, or ended with a failure. What was written stays in its file.',
  },
  bad_rules: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The file of deployment rules has mistakes; each was shown with its line and column.',
  },
  interrupted: { kind: 'cancelled', fault: 'user', retry: true, means: 'The command was interrupted.' },
} as const satisfies ErrorTable;

export class CliError extends AtmosphereError<keyof typeof CLI_ERRORS> {
  constructor(code: keyof typeof CLI_ERRORS, message: string, options?: ErrorOptionsWithData) {
    super(CLI_ERRORS, code, message, options);
  }
}
