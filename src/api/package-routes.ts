/**
 * Packages: what the tools that read files ask of the daemon, what the daemon does with them, and what goes over the mesh.
 * Groups, each spread by the control that answers it. Spec: docs/spec/21-packages.md, 11-cli.md.
 */
import { z } from 'zod';
import { PACKAGE_TIERS } from '../protocol/index.ts';
import { route } from './route.ts';

const name = z.string().min(1).max(300);
const version = z.string().min(1).max(100);
const absolutePath = z.string().min(1).max(4096);
const document = z.record(z.string(), z.unknown());
const tier = z.enum(PACKAGE_TIERS);

/** A file that is somewhere on this machine, and what the database says that it is; who reads it verifies it. */
const storedFileSchema = z.object({
  /** As it is called inside the model or package. */
  path: z.string(),
  file: z.string(),
  size_bytes: z.number(),
  sha256: z.string(),
  piece_root: z.string(),
});

const resolvedModelSchema = z.object({
  model_id: z.string(),
  version: z.string(),
  /** Of the file, or of the file list of a folder. */
  sha256: z.string(),
  piece_root: z.string(),
  size_bytes: z.number(),
  /** A model of several files, or of one in a folder of its own. */
  is_file_set: z.boolean(),
  files: z.array(storedFileSchema),
  /** Short, in the own vocabulary, signed where it is signed. */
  manifest: document,
  /** The catalog entry. */
  entry: document,
});

const missingModelSchema = z.object({
  code: z.string(),
  message: z.string(),
  /** The names that are nearest to it, of models that are here or in the mesh. */
  near: z.array(z.string()),
});

/** Who this node is, for what it signs and notes. */
const makerSchema = z.object({ node_id: z.string(), name: z.string(), mesh_id: z.string() });

export const PACKAGE_SOURCE_ROUTES = {
  packageResolve: route('POST', '/api/v1/packages/resolve', {
    access: 'owner',
    summary:
      'Where the files of models lie that a package is to have, and what they are; the missing ones with what is nearest',
    body: z.object({ models: z.array(z.object({ id: name, range: z.string().max(100).optional() })).max(1000) }),
    answer: z.object({
      maker: makerSchema,
      /** In the order of the question. */
      models: z.array(z.object({ model: resolvedModelSchema.nullable(), missing: missingModelSchema.nullable() })),
    }),
  }),
  packageBlobs: route('POST', '/api/v1/packages/blobs', {
    access: 'owner',
    summary: 'Which of these contents are on this machine, and in which files: what a difference can be made against',
    body: z.object({ sha256: z.array(z.string().length(64)).max(20_000) }),
    answer: z.object({ blobs: z.array(z.object({ sha256: z.string(), file: z.string(), size_bytes: z.number() })) }),
  }),
} as const;

export const PACKAGE_KEPT_ROUTES = {
  packageInstalled: route('GET', '/api/v1/packages/installed', {
    access: 'owner',
    summary: 'The members of a package that is kept here, as files',
    query: z.object({ id: name, version: version.optional() }),
    answer: z.object({
      maker: makerSchema,
      id: z.string(),
      version: z.string(),
      manifest_sha256: z.string(),
      tier: z.string(),
      /** `manifest.yaml`, `custody.jsonl` and the members that are here. */
      members: z.array(z.object({ path: z.string(), file: z.string(), size_bytes: z.number() })),
    }),
  }),
} as const;

export const INSTALL_STEPS = [
  'open',
  'fetch',
  'signature',
  'tier',
  'version',
  'space',
  'store',
  'gate',
  'commit',
  'models',
  'place',
  'config',
  'announce',
  'agents',
  'tidy',
  'undo',
  'back_commit',
  'back_models',
  'back_place',
  'back_config',
  'back_announce',
  'back_agents',
  'back_tidy',
] as const;

const installedPackageSchema = z.object({
  id: z.string(),
  version: z.string(),
  tier: tier.nullable(),
  /** `installed`; `installing`, `rolling_back` and `removing` while that is under way; `stopped`: the next import goes on. */
  state: z.string(),
  previous_version: z.string().nullable(),
  size_bytes: z.number(),
  manifest_sha256: z.string(),
  mesh_id: z.string(),
  signer: z.string(),
  created_by: z.string(),
  created_at: z.string(),
  installed_at: z.string().nullable(),
  /** Where its files are to be seen. */
  path: z.string().nullable(),
  models: z.number(),
  agents: z.array(z.object({ id: z.string(), version: z.string(), state: z.string(), detail: z.string().optional() })),
  notes: z.array(z.string()),
});
export type InstalledPackageRow = z.infer<typeof installedPackageSchema>;

/** Some parts of it have come. */
const waitingPackageSchema = z.object({
  name: z.string(),
  size_bytes: z.number(),
  missing_bytes: z.number(),
  parts: z.number(),
  missing_parts: z.array(z.string()),
});
export type WaitingPackageRow = z.infer<typeof waitingPackageSchema>;

/** A line of `package import`, `rollback` and `sync` with `--json`. The last has `event` `completed`, `failed`, or `waiting`: parts are missing. */
export const packageEventSchema = z.object({
  event: z.enum([
    ...['started', 'step', 'progress', 'note', 'config', 'agent', 'found', 'waiting', 'completed', 'failed'],
  ] as const),
  id: z.string().optional(),
  version: z.string().optional(),
  tier: tier.nullable().optional(),
  step: z.enum(INSTALL_STEPS).optional(),
  done_bytes: z.number().optional(),
  total_bytes: z.number().optional(),
  rate_bytes_per_second: z.number().optional(),
  eta_seconds: z.number().nullable().optional(),
  /** The member or file that it is about. */
  path: z.string().optional(),
  message: z.string().optional(),
  /** With `config`: what an install changes of a file. */
  diff: z.string().optional(),
  /** Parts of a package that are not there yet. */
  missing_parts: z.array(z.string()).optional(),
  /** With `found`: who offers it. */
  from: z.object({ node_id: z.string(), name: z.string() }).optional(),
  /** With `completed`. */
  package: installedPackageSchema.optional(),
  /** With `completed` of a sync: those that were got. */
  packages: z.array(installedPackageSchema).optional(),
  already_here: z.boolean().optional(),
  /** That came from the package; the rest was here. */
  read_bytes: z.number().optional(),
  error: z.string().optional(),
  code: z.string().optional(),
  kind: z.string().optional(),
  try: z.string().nullable().optional(),
  /** With `failed`: what the error names, as `id`, `version`, `meshId`, `path`. */
  data: document.optional(),
});
export type PackageEvent = z.infer<typeof packageEventSchema>;

const trustedMeshSchema = z.object({
  mesh_id: z.string(),
  name: z.string(),
  added_at: z.string().nullable(),
  /** The mesh of this node, which nobody need add. */
  own: z.boolean(),
});
const trustAnswer = z.object({
  meshes: z.array(trustedMeshSchema),
  /** Where there are some, a package needs the signature of one of them. */
  founders: z.array(z.object({ key: z.string(), name: z.string(), added_at: z.string() })),
});

export const PACKAGE_ROUTES = {
  packageList: route('GET', '/api/v1/packages', {
    access: 'owner',
    summary: 'Packages that are installed here, installs that were stopped, and packages that wait for parts',
    answer: z.object({ packages: z.array(installedPackageSchema), waiting: z.array(waitingPackageSchema) }),
  }),
  packageImport: route('POST', '/api/v1/packages/import', {
    access: 'owner',
    summary: 'Install a package from an archive, a folder, or parts; an event a line',
    body: z.object({
      path: absolutePath,
      tier: tier.optional(),
      /** Members of every tier are kept, for nodes of other tiers. Unless said: on a gateway, where the package has them. */
      all_tiers: z.boolean().optional(),
      allow_downgrade: z.boolean().default(false),
      /** The package in force is of another mesh, and this one is to take its place. */
      allow_other_mesh: z.boolean().default(false),
      /** Why an older version is to be installed; it goes into the audit log. */
      reason: z.string().max(500).optional(),
    }),
    answer: packageEventSchema,
    streams: true,
  }),
  packageRollback: route('POST', '/api/v1/packages/rollback', {
    access: 'owner',
    summary: 'Go back to the version before; an event a line',
    body: z.object({ id: name, version: version.optional(), reason: z.string().max(500).optional() }),
    answer: packageEventSchema,
    streams: true,
  }),
  packageRemove: route('POST', '/api/v1/packages/remove', {
    access: 'owner',
    summary: 'Remove a package with its versions, or discard parts that wait; the configuration of the operator stays',
    body: z.object({
      /** A package, or parts as the list names them. */
      id: name,
      /** The parts, though a package is called so, too. */
      waiting: z.boolean().default(false),
    }),
    answer: z.object({
      id: z.string(),
      /** That were here, the one in force first. */
      versions: z.array(z.string()),
      /** That were discarded. */
      parts: z.number(),
      /** The folder that stays. */
      config: z.string().nullable(),
    }),
  }),
  packageTrust: route('GET', '/api/v1/packages/trust', {
    access: 'owner',
    summary: 'Meshes whose packages are taken here, and founders of whom one must have signed',
    answer: trustAnswer,
  }),
  packageTrustAdd: route('POST', '/api/v1/packages/trust', {
    access: 'owner',
    summary: 'Take packages of another mesh; or ask for the signature of a founder',
    body: z.union([
      z.object({ mesh_id: z.string().min(1).max(100), name: z.string().max(100).default('') }),
      /** An Ed25519 public key in PEM. */
      z.object({ founder: z.string().min(1).max(4096), name: z.string().max(100).default('') }),
    ]),
    answer: trustAnswer,
  }),
  packageTrustRemove: route('POST', '/api/v1/packages/trust/remove', {
    access: 'owner',
    summary: 'Take no more packages of another mesh, or ask for a founder’s signature no more',
    body: z.object({ id: z.string().min(1).max(100) }),
    answer: trustAnswer,
  }),
} as const;

/** A package that somebody offers, against what is here. */
const packageOfferSchema = z.object({
  id: z.string(),
  version: z.string(),
  /** Those that can be had now. */
  tiers: z.array(tier),
  /** The one that this node would take; null where nobody offers it. */
  tier: tier.nullable(),
  /** Null where it is not installed. */
  installed_version: z.string().nullable(),
  /** It would be an update. */
  newer: z.boolean(),
  /** Of that tier. Null where it is only claimed on the local network. */
  size_bytes: z.number().nullable(),
  /** What of it is not on this machine yet; null where nobody could be asked. */
  missing_bytes: z.number().nullable(),
  manifest_sha256: z.string().nullable(),
  /** Does its signature count here? Null where nobody looked. */
  trusted: z.boolean().nullable(),
  /** Why not, and what else is to be known of it. */
  note: z.string().nullable(),
  /** `lan`: shown on the local network, which anybody can claim. */
  offered_by: z.array(z.object({ node_id: z.string(), name: z.string(), way: z.enum(['mesh', 'lan']) })),
});
export type PackageOffer = z.infer<typeof packageOfferSchema>;

/** `site_inventory` (docs/spec/21-packages.md), as the file to take along. */
const inventorySchema = z.looseObject({ type: z.literal('site_inventory') });

export const PACKAGE_MESH_ROUTES = {
  packageSync: route('POST', '/api/v1/packages/sync', {
    access: 'owner',
    summary: 'Get packages from a node or from whom the local network shows, and install them; an event a line',
    body: z.object({
      /** A node, by id or name. */
      from: z.string().min(1).max(200).optional(),
      discover: z.boolean().default(false),
      /** One package; all that are newer without it. */
      id: name.optional(),
      version: version.optional(),
      tier: tier.optional(),
      /** How long the local network is listened to. */
      wait_s: z.number().min(0).max(300).optional(),
    }),
    answer: packageEventSchema,
    streams: true,
  }),
  packageUpdates: route('GET', '/api/v1/packages/updates', {
    access: 'owner',
    summary: 'What mesh and local network offer, against what is installed',
    query: z.object({ wait_s: z.coerce.number().min(0).max(60).optional() }),
    answer: z.object({ offers: z.array(packageOfferSchema) }),
  }),
  packageInventory: route('GET', '/api/v1/packages/inventory', {
    access: 'owner',
    summary: 'What this site has, to take along to where packages are made',
    answer: inventorySchema,
  }),
} as const;
