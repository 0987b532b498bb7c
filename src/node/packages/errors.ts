import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../../core/index.ts';

export const PACKAGE_ERRORS = {
  not_installed: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'No package of that name (and version) is installed here. `atmosphere package list` lists those that are.',
  },
  no_previous: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'There is no version to go back to: only one was ever installed, or the one before was given up.',
  },
  previous_incomplete: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means:
      'Bytes of the version before are not on this machine any more; the message names the files. Import its package again.',
  },
  package_busy: {
    kind: 'refused',
    fault: 'user',
    retry: true,
    means:
      'The package is being installed, rolled back or removed already, and what is the version before changes by that. Wait until it has ended.',
  },
  too_many_waiting: {
    kind: 'refused',
    fault: 'user',
    retry: true,
    means: 'As many installs wait in line as may. Try again when one has ended.',
  },
  downgrade_refused: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'A newer version is installed. `atmosphere package rollback NAME` goes back to the one before; `--allow-downgrade --reason TEXT` installs the older one all the same, and the audit log keeps the reason.',
  },
  other_mesh: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'The package of this id that is installed is of another mesh than this one: whose package it is does not change by itself. `package import FILE --allow-other-mesh` lets it, and the audit log keeps both meshes.',
  },
  other_content: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'This version of the package is installed with other content. Whoever made it must give it another version.',
  },
  package_no_space: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means:
      'The disk of the home folder has not the room that the package needs; nothing was done. Free some, or take a smaller tier with --tier.',
  },
  content_missing: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means:
      'The package does not hold a file that this tier needs, and it is not on this machine: it was exported for another tier, or for a site that has the file. Bring one that holds it.',
  },
  base_missing: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means:
      'The package holds a difference, and what it builds on is not on this machine; the message names it. Install the version that it builds on, or bring a full package.',
  },
  bad_member: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'A file of the package is not what the signed manifest says. The whole package was refused; the node is as it was. Copy it again from where it was made.',
  },
  unsafe_model: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means:
      'A model of the package runs code when it is loaded (pickle), and that is not permitted here; the message has the reasons. The node is as it was.',
  },
  install_undone: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means:
      'Installing failed after the version was in force, and the node went back to how it was; the message says why.',
  },
  remove_unfinished: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means:
      'The package is in force no more, but something of it could not be deleted; the message says why. The next start goes on with it, as does removing it again.',
  },
  interrupted: {
    kind: 'cancelled',
    fault: 'user',
    retry: true,
    means:
      'Installing stopped before the version was in force. The node is as it was; what was stored is kept, and the next import of the package goes on from there.',
  },
  config_unusable: {
    kind: 'storage',
    fault: 'disk',
    retry: false,
    means:
      'The folder of the package’s configuration holds what no install may replace: a link, a device, or far too much. Move it away.',
  },
  model_needed: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'A package that is installed here has this model. Remove the package, roll it back, or install a version without it.',
  },
  trust_unusable: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'What was to be trusted is no mesh id and no Ed25519 public key in PEM.',
  },
  trust_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'That mesh or founder is not trusted here. `atmosphere package trust list` lists those that are.',
  },
  reason_needed: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'Installing an older version needs a reason for the audit log: --allow-downgrade --reason TEXT.',
  },
  offer_wrong: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'What a node offers as a package is not what the signed manifest says. Nothing was installed; ask another node with `package sync --from`.',
  },
  package_not_offered: {
    kind: 'not_found',
    fault: 'user',
    retry: true,
    means:
      'Nobody who can be reached offers that package, or that version or tier of it. `atmosphere package check-updates` lists what is offered.',
  },
  no_gateway: {
    kind: 'unreachable',
    fault: 'network',
    retry: true,
    means:
      'No gateway of this mesh was heard in the local network. Is one running there, with the role gateway or `up --advertise-packages`, and does the network let multicast through?',
  },
  nothing_to_sync: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'No package is installed here, so that there is nothing to update. Name the one to get: `package sync NAME`.',
  },
} as const satisfies ErrorTable;

export type PackageErrorCode = keyof typeof PACKAGE_ERRORS;

export class PackageError extends AtmosphereError<PackageErrorCode> {
  constructor(code: PackageErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(PACKAGE_ERRORS, code, message, options);
  }
}
