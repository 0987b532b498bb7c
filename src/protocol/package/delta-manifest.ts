/**
 * `delta.yaml`: what a difference package brings, and from what. It is not signed: what comes out of it is held against the signed
 * manifest, so that a lie in it costs its own import and nothing else. Spec: docs/spec/21-packages.md §11.
 */
import { z } from 'zod';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { inOrder, readForeignDocument, writeDocument } from './package-document.ts';
import { memberBytesSchema, memberPathSchema, packageHashSchema } from './package-manifest.ts';
import { packageVersionSchema } from './package-names.ts';

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);
const version = z.string().min(1).max(PROTOCOL_LIMITS.versionChars);
const count = z.number().int().nonnegative();

function changes<T>(item: z.ZodType<T>) {
  return z.array(item).max(PROTOCOL_LIMITS.packageMembers);
}

const named = lenientObject({ id: label, version: version.optional() });
const updatedSchema = lenientObject({
  id: label,
  from_version: version.optional(),
  to_version: version.optional(),
  delta_path: memberPathSchema.optional(),
  /** Decimal megabytes, for people. */
  delta_size_mb: z.number().nonnegative().optional(),
});
const sectionChanges = lenientObject({
  updated: changes(updatedSchema),
  added: changes(named),
  removed: changes(named),
});
export type SectionChanges = z.infer<typeof sectionChanges>;

/** One difference, from a content to a content; a chain of them goes from one to the next. */
const stepSchema = lenientObject({
  base_hash: packageHashSchema,
  target_hash: packageHashSchema,
  delta_path: memberPathSchema,
  delta_size_bytes: memberBytesSchema,
  delta_hash: packageHashSchema,
});
export type DifferenceStep = z.infer<typeof stepSchema>;

const deltaMemberSchema = lenientObject({
  /** Of a member of the manifest. */
  path: memberPathSchema,
  /** In this package whole, as a difference, or not: the site has it. */
  how: z.enum(['full', 'difference', 'held']),
  /** Of a difference: in order, from what the site has to what the manifest names. */
  differences: z.array(stepSchema).min(1).max(PROTOCOL_LIMITS.differenceChain).optional(),
}).superRefine(({ how, differences }, context) => {
  const message = differenceFault(how, differences);
  if (message !== undefined) context.addIssue({ code: 'custom', path: ['differences'], message });
});
export type DeltaMember = z.infer<typeof deltaMemberSchema>;

function differenceFault(how: string, steps: readonly DifferenceStep[] | undefined): string | undefined {
  if (how !== 'difference') return steps === undefined ? undefined : `a member that is ${how} has none`;
  if (steps === undefined) return 'it is missing';
  const isBroken = steps.some(({ base_hash }, index) => index > 0 && base_hash !== steps[index - 1]?.target_hash);
  return isBroken ? 'each begins with what the one before made' : undefined;
}

const deltaManifestSchema = lenientObject({
  delta: lenientObject({
    /** Absent where the difference is to an inventory that has no version of the package. */
    base_version: packageVersionSchema.optional(),
    /** The package digest of the base. */
    base_manifest: packageHashSchema.optional(),
    target_version: packageVersionSchema,
    target_manifest: packageHashSchema,
    /** For people and for `diff`. */
    changes: lenientObject({
      models: sectionChanges.optional(),
      agents: sectionChanges.optional(),
      tools: sectionChanges.optional(),
      config: sectionChanges.optional(),
      knowledge: lenientObject({ chunks_added: count, chunks_removed: count, chunks_updated: count }).optional(),
    }),
  }),
  members: z
    .array(deltaMemberSchema)
    .max(PROTOCOL_LIMITS.packageMembers)
    .refine((members) => new Set(members.map(({ path }) => path)).size === members.length, 'a path stands twice'),
});
export type DeltaManifest = z.infer<typeof deltaManifestSchema>;

/** Throws ProtocolError `too_large`, `malformed` with `data.problems`. */
export function parseDeltaManifest(given: string | Uint8Array): DeltaManifest {
  return readForeignDocument(given, {
    ...{ what: 'a package’s delta.yaml', maxBytes: PROTOCOL_LIMITS.packageManifestBytes },
    ...{ schema: deltaManifestSchema, isText },
  });
}

export function formatDeltaManifest({ delta, members, ...others }: DeltaManifest): string {
  return writeDocument({
    ...{ delta: inOrder({ ...delta, changes: inOrder(delta.changes, CHANGES_ORDER) }, DELTA_ORDER) },
    ...{ members: members.map((member) => inOrder(member, ['path', 'how', 'differences'])) },
    ...inOrder(others, []),
  });
}

const DELTA_ORDER = ['base_version', 'base_manifest', 'target_version', 'target_manifest', 'changes'];
const CHANGES_ORDER = ['models', 'agents', 'tools', 'config', 'knowledge'];

const TEXT_KEYS: ReadonlySet<string> = new Set([
  ...[
    'base_version',
    'base_manifest',
    'target_version',
    'target_manifest',
    'id',
    'version',
    'from_version',
    'to_version',
  ],
  ...['path', 'delta_path', 'base_hash', 'target_hash', 'delta_hash', 'how'],
]);

function isText(keys: readonly string[]): boolean {
  return TEXT_KEYS.has(keys.at(-1) ?? '');
}
