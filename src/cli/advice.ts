/** The next command to try, by error code, else by kind. Pure. */
import type { ErrorKind } from '../core/index.ts';

const ROOM = 'atmosphere model list  # then, of those that are not needed: atmosphere model remove …';

const ROOM_OF_PACKAGES = 'atmosphere package list  # then, of those that are not needed: atmosphere package remove …';

const AGAIN = 'atmosphere package export PACKAGE --output DIR  # again, on the machine that it came from';

const BY_CODE: Readonly<Record<string, string>> = {
  daemon_unreachable: 'atmosphere up --detach',
  daemon_not_started: 'atmosphere doctor',
  daemon_not_stopped: 'atmosphere down',
  bad_daemon_file: 'atmosphere up --detach',
  bad_answer: 'atmosphere down && atmosphere up --detach',
  local_token_wrong: 'atmosphere down && atmosphere up --detach',
  home_unusable: 'atmosphere doctor',
  home_in_use: 'atmosphere status  # for other flags: atmosphere down, then up again with them',
  database_too_new: 'atmosphere --version  # and run the newer program that wrote it',
  port_in_use: 'atmosphere up --port 0',
  cannot_listen: 'atmosphere up --port 0',
  listen_failed: 'atmosphere up --mesh-port 0',
  timed_out: 'atmosphere status',

  unsafe_name: 'atmosphere model list --mesh',
  invalid_range: 'atmosphere model info MODEL --versions',
  model_not_found: 'atmosphere model list --mesh',
  model_not_local: 'atmosphere model pull NAME',
  model_ambiguous: 'atmosphere model info MODEL --versions',
  model_not_ready: 'atmosphere status',
  manifest_mismatch: 'atmosphere model manifest NAME  # shows what it has',
  manifest_withdrawn: 'atmosphere model manifest NAME --publish  # takes it up again',
  manifest_not_found: 'atmosphere model pull NAME',
  bad_lineage: 'atmosphere model manifest NAME --edit  # and correct parent_model',
  bad_document: 'atmosphere model manifest --help',
  model_damaged: 'atmosphere model remove NAME  # and get it again',
  import_needs_one: 'atmosphere model import PATH  # without --name each gets its own, or name one of them',
  nothing_to_import: 'atmosphere model import --help',
  only_deprecated: 'atmosphere model info MODEL --versions',
  nothing_offered: 'atmosphere model list --mesh',
  too_many_requests: 'atmosphere transfers',
  holder_offline: 'atmosphere model info NAME --nodes',
  no_sources: 'atmosphere model info NAME --nodes',
  transfer_failed: 'atmosphere model pull NAME',
  transfer_not_found: 'atmosphere transfers',
  transfer_ended: 'atmosphere transfers',
  cancelled: 'atmosphere model pull NAME',
  bad_mirror: 'atmosphere up --help',
  bad_runner: "atmosphere up --agent-runner 'PROGRAM {path}'",
  bad_rate: 'atmosphere transfers limit --help',
  bad_schedule: 'atmosphere transfers limit --help',
  bad_policy: 'atmosphere transfers limit --help',
  no_space: ROOM,
  disk_full: ROOM,
  database_full: ROOM,
  quota_exceeded: ROOM,

  not_permitted: 'atmosphere access show MODEL',
  order_refused: 'atmosphere access show MODEL',
  bundle_refused: 'atmosphere model verify NAME --bundle FILE --key PUBLIC.pem  # with the key of who signed it',
  bundle_unreadable: 'atmosphere model verify --help',
  consent_needed:
    'atmosphere model pull NAME --yes  # agrees to its sources; or one by one: atmosphere consent add SOURCE',
  consent_not_found: 'atmosphere consent list',
  consents_full: 'atmosphere consent list',
  nothing_to_change: 'atmosphere access show',
  policy_full: 'atmosphere access show',
  unknown_audit_event: 'atmosphere audit --help',
  audit_failed: ROOM,

  not_installed: 'atmosphere package list',
  no_previous: 'atmosphere package list',
  previous_incomplete: 'atmosphere package import FILE',
  package_busy: 'atmosphere package list',
  blob_busy: 'atmosphere transfers  # what brings it already; the same command goes on after that',
  downgrade_refused: 'atmosphere package rollback PACKAGE  # or import with --allow-downgrade --reason TEXT',
  other_mesh:
    'atmosphere package inspect FILE  # then, if it is wanted: atmosphere package import FILE --allow-other-mesh',
  reason_needed: 'atmosphere package import FILE --allow-downgrade --reason TEXT',
  package_no_space: ROOM,
  content_missing: 'atmosphere package inspect FILE  # shows which tiers are whole; --tier takes one of them',
  base_missing: 'atmosphere package list',
  bad_member: 'atmosphere package verify FILE',
  mesh_unknown: 'atmosphere package trust add MESH_ID  # once you know that the id is theirs',
  trust_not_found: 'atmosphere package trust list',
  model_needed: 'atmosphere package remove PACKAGE  # or a version without it: atmosphere package rollback PACKAGE',
  remove_unfinished: 'atmosphere package remove PACKAGE  # again',
  unsafe_model: 'atmosphere access set ID --ship-code ROLE  # by an admin, and here: atmosphere up --allow-code',

  rollout_not_found: 'atmosphere rollout list',
  rollout_over: 'atmosphere rollout list',
  rollout_refused: 'atmosphere rollout list',
  rollout_undone: 'atmosphere rollout list',

  not_a_package: 'atmosphere package --help',
  bad_archive: AGAIN,
  truncated: AGAIN,
  unsafe_member: AGAIN,
  manifest_bad: AGAIN,
  delta_bad: AGAIN,
  package_unsigned: AGAIN,
  package_signature_wrong: AGAIN,
  custody_broken: AGAIN,
  checksums_wrong: AGAIN,
  member_missing: AGAIN,
  member_strange: AGAIN,
  size_wrong: AGAIN,
  part_altered: AGAIN,
  bad_index: AGAIN,
  tier_incomplete: AGAIN,
  parts_missing: 'atmosphere package import PART  # takes parts one by one, in any order',
  bad_part_size: 'atmosphere package export --help',
  bad_inventory: 'atmosphere package inventory  # at the site, writes one',
  incomplete_package: 'atmosphere package inspect FILE  # shows which tiers are whole',

  mission_not_found: 'atmosphere package create --help',
  bad_mission: 'atmosphere package create --help',
  pieces_missing: 'atmosphere model list  # and atmosphere model pull NAME gets what is in the mesh',
  unknown_tier: 'atmosphere package create --help',
  cannot_sign: 'atmosphere mesh nodes  # shows roles; the machine that made the mesh signs too',
  founder_key_unusable: 'openssl genpkey -algorithm ed25519 -out founder.pem  # makes one',
  already_there: 'atmosphere package create --help  # --output writes elsewhere',
  package_not_offered: 'atmosphere package check-updates --all',
  no_gateway: 'atmosphere package sync --from NODE  # or look longer: --wait 30s',
  nothing_to_sync: 'atmosphere package check-updates --all',
  offer_wrong: 'atmosphere package check-updates --all  # shows who else offers it',

  mesh_in_use: 'atmosphere mesh nodes  # those would be left behind; mesh init --replace does it all the same',
  node_not_found: 'atmosphere mesh nodes',
  node_not_described: 'atmosphere mesh nodes',
  bad_rules: 'atmosphere rules check FILE',
  role_not_found: 'atmosphere mesh nodes',
  no_target: 'atmosphere mesh nodes',
  not_pinned: 'atmosphere model status',
  deployment_failed: 'atmosphere model status MODEL',
  node_ambiguous: 'atmosphere mesh nodes  # and say the node id instead of the name',
  unknown_node: 'atmosphere mesh nodes',
  invite_mistyped: 'atmosphere join CODE  # with the whole code, from its first letter to its last',
  invite_expired: 'atmosphere mesh invite  # on the machine that made the code',
  join_refused: 'atmosphere mesh invite  # on the machine that made the code',
  not_authority: 'atmosphere mesh invite  # on the machine that made the mesh',
};

const BY_KIND: Readonly<Partial<Record<ErrorKind, string>>> = {
  not_found: 'atmosphere model list --mesh',
  unreachable: 'atmosphere mesh nodes',
  refused: 'atmosphere mesh nodes',
  integrity: 'atmosphere model list',
  storage: 'atmosphere doctor',
  internal: 'atmosphere doctor',
};

export interface AdviceQuestion {
  readonly code: string;
  readonly kind: ErrorKind;
  /** What the command itself would say, more exact than the table. */
  readonly own?: string | undefined;
  /** `--home` as it was given, to be repeated. */
  readonly homeFlag?: string | undefined;
  /** The model or package that the command was about, as it was given. */
  readonly subject?: string | undefined;
  /** The file that it was about. */
  readonly file?: string | undefined;
  /** What the error has beside its words. */
  readonly data?: Readonly<Record<string, unknown>> | undefined;
}

export function adviceFor({ code, kind, own, homeFlag, subject, file, data = {} }: AdviceQuestion): string | undefined {
  const advice = own ?? fillIn(known(code, data) ?? BY_KIND[kind], subject);
  return withHome(fillInFacts(advice, { FILE: file, PACKAGE: data.id, MESH_ID: data.meshId }), homeFlag);
}

/** Where packages are that could go, they are what takes the room. */
function known(code: string, { installed_packages }: Readonly<Record<string, unknown>>): string | undefined {
  const advice = BY_CODE[code];
  return advice === ROOM && typeof installed_packages === 'number' ? ROOM_OF_PACKAGES : advice;
}

/** Commands in `advice` ask the home that the user said. */
export function withHome(advice: string | undefined, homeFlag: string | undefined): string | undefined {
  if (advice === undefined || homeFlag === undefined) return advice;
  return advice.replaceAll(/\batmosphere (?!--)/g, `atmosphere --home ${quoted(homeFlag)} `);
}

/** NAME is the subject with its range, MODEL without. */
function fillIn(advice: string | undefined, subject: string | undefined): string | undefined {
  if (subject === undefined) return advice?.replace(/(?<=access show) MODEL$/, '');
  const model = subject.replace(/(?<=[^/])@[^@/]*$/, '');
  return advice?.replace(/\bNAME\b/, () => quoted(subject)).replace(/\bMODEL\b/, () => quoted(model));
}

/** What the error names, and the file or package that the command was about. What nobody knows stays a word in capitals. */
function fillInFacts(advice: string | undefined, facts: Readonly<Record<string, unknown>>): string | undefined {
  return advice?.replace(/(?<=package [a-z ]*)\b(FILE|PACKAGE|MESH_ID)\b/g, (word) => {
    const known = facts[word];
    return typeof known === 'string' ? quoted(known) : word;
  });
}

/** As one word of a shell. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
