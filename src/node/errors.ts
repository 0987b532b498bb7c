import { AtmosphereError, type ErrorOptionsWithData, type ErrorTable } from '../core/index.ts';

export const NODE_ERRORS = {
  bundle_unreadable: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'The signature bundle or the public key is not there, too large, or not what it should be. Look at the path.',
  },
  consent_needed: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'The owner wants to be asked before a model comes from a new source. `atmosphere consent add SOURCE`, or the same command with --yes.',
  },
  consent_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'That source was not agreed to. `atmosphere consent list` lists those that were.',
  },
  consents_full: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'As many sources are agreed to as may be. `atmosphere consent remove` one, or `atmosphere consent mode all`.',
  },
  nothing_to_change: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'A change was asked for that changes nothing. `atmosphere access show` shows what holds.',
  },
  role_without_orders: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'Write, deploy and ship-code are for roles whose nodes may say orders in the mesh: admin, publisher, gateway. Invite the node with one of those.',
  },
  policy_full: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'The access policy has as many models as it may have. `atmosphere access unset` one, or use `*`.',
  },
  unknown_audit_event: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The audit log has no such event; the message lists those that it has.',
  },
  audit_failed: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means:
      'The audit log cannot be written, so what was ordered was not done. Free space on the disk of the home folder.',
  },
  not_permitted: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'The access policy does not give this role the right that is needed. `atmosphere access show MODEL` shows it; an admin changes it with `atmosphere access set`.',
  },
  rollout_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'No rollout has that id, or several begin with it. `atmosphere rollout list` shows them.',
  },
  rollout_over: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'The rollout is in a phase that cannot be changed like that any more; `atmosphere rollout show ID` tells which.',
  },
  rollout_refused: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'The rollout cannot be ordered, or go on, as it is: another one of the model runs, no node would get it, or whoever ordered it may not.',
  },
  not_started: {
    kind: 'usage',
    fault: 'user',
    retry: true,
    means: 'A node or bridge was asked before start() resolved, or after stop().',
  },
  already_started: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'start() was called on a node or bridge that is starting or running.',
  },
  home_unusable: {
    kind: 'storage',
    fault: 'disk',
    retry: false,
    means: 'The home folder can not be made or written. Name another with --home or ATMOSPHERE_HOME.',
  },
  model_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: true,
    means:
      'No model of that name (and version range) is known here or in the mesh. `atmosphere model list --mesh` lists them.',
  },
  only_deprecated: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'All versions that fit are deprecated: nobody should begin with them. `atmosphere model info NAME --versions` shows why; naming a version exactly, NAME@VERSION, takes it all the same.',
  },
  nothing_offered: {
    kind: 'not_found',
    fault: 'peer',
    retry: true,
    means:
      'No node has a model with these capabilities, version and size that fits this machine. Ask for less, or import one.',
  },
  too_many_requests: {
    kind: 'refused',
    fault: 'user',
    retry: true,
    means: 'This node waits for answers of the mesh to several such questions already. Wait until one is answered.',
  },
  model_not_local: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'The model is in the mesh but not on this machine. `atmosphere model pull NAME` gets it.',
  },
  model_ambiguous: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means: 'Several contents carry this name and version; name one by its digest, sha256:…, as the error lists them.',
  },
  model_not_ready: {
    kind: 'refused',
    fault: 'us',
    retry: true,
    means: 'The model’s files have not been read and hashed yet. `atmosphere status` shows how far it is.',
  },
  manifest_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: true,
    means:
      'Others have the model, and nobody who may has published a manifest of it. `atmosphere model pull NAME` gets it all the same.',
  },
  manifest_withdrawn: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'Somebody who may write the model took its manifest back, so that nothing is deployed by it. `atmosphere model manifest NAME --publish` takes it up again.',
  },
  manifest_mismatch: {
    kind: 'integrity',
    fault: 'user',
    retry: false,
    means:
      'The manifest speaks of other bytes, or of another id or version, than the model has. `atmosphere model manifest NAME` shows what it has.',
  },
  model_damaged: {
    kind: 'integrity',
    fault: 'disk',
    retry: false,
    means: 'A file of the model is not what it was, or not what its name claims. Pull or import it again.',
  },
  bad_rules: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The deployment rules have mistakes; `data.complaints` has each with its line and column.',
  },
  node_not_described: {
    kind: 'not_found',
    fault: 'peer',
    retry: true,
    means: 'The node has not told what it is: it runs an older program, or was never heard of since it joined.',
  },
  node_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'No node of that name or id is in the mesh. `atmosphere mesh nodes` lists them.',
  },
  role_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: true,
    means: 'No node of this mesh has that role. `atmosphere mesh nodes` lists them with their roles.',
  },
  no_target: {
    kind: 'not_found',
    fault: 'user',
    retry: true,
    means:
      'No node of this mesh is in the region, or has the labels, that an order names. `atmosphere mesh nodes` lists them.',
  },
  not_pinned: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'The model is not pinned on this node.',
  },
  node_ambiguous: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'Several nodes have that name; give the node id.',
  },
  holder_offline: {
    kind: 'unreachable',
    fault: 'network',
    retry: true,
    means: 'The node asked for does not have the model, or has not been heard of lately.',
  },
  transfer_not_found: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'No transfer has that request id. `atmosphere transfers` lists them.',
  },
  transfer_ended: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'The transfer is over; nothing of it can be paused, limited or put before others. `atmosphere transfers` shows it.',
  },
  transfer_failed: {
    kind: 'unreachable',
    fault: 'network',
    retry: true,
    means: 'The pull ended without the model; what arrived is kept and a new pull goes on from there.',
  },
  nothing_to_import: {
    kind: 'not_found',
    fault: 'user',
    retry: false,
    means: 'The path is missing, or holds no file of a format that Atmosphere knows.',
  },
  import_needs_one: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means:
      'A name was given for a folder that holds several models. Import it without --name, or one of them by its path.',
  },
  unknown_type: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'The type of a model is one of those that the message lists.',
  },
  no_piece_root: {
    kind: 'refused',
    fault: 'peer',
    retry: false,
    means: 'The model comes from a program that publishes no piece hashes; it is listed, and can not be pulled.',
  },
  mesh_in_use: {
    kind: 'refused',
    fault: 'user',
    retry: false,
    means:
      'A new mesh would take this node out of one that other machines are in. `mesh init --replace` does it all the same.',
  },
  bad_mirror: {
    kind: 'usage',
    fault: 'user',
    retry: false,
    means: 'A mirror is not a usable URL template, or its token file cannot be read. See docs/operating.md, “Mirrors”.',
  },
  no_space: {
    kind: 'storage',
    fault: 'disk',
    retry: true,
    means: 'The disk has not enough room for the model. `atmosphere model remove NAME` frees some.',
  },
  wrong_difference: {
    kind: 'integrity',
    fault: 'peer',
    retry: false,
    means:
      'What a peer gave as a difference does not make the content that was asked for. The whole file is fetched instead, and the peer is remembered for it.',
  },
  bad_file_list: {
    kind: 'integrity',
    fault: 'peer',
    retry: true,
    means: 'No holder gave a file list that has the model’s digest and size.',
  },
} as const satisfies ErrorTable;

export type NodeErrorCode = keyof typeof NODE_ERRORS;

export class NodeError extends AtmosphereError<NodeErrorCode> {
  constructor(code: NodeErrorCode, message: string, options?: ErrorOptionsWithData) {
    super(NODE_ERRORS, code, message, options);
  }
}
