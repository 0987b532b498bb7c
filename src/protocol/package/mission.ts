/** `mission.yaml`: what a person wants in a package. Spec: docs/spec/21-packages.md §13. */
import { z } from 'zod';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { isModelId, isRelativePath } from '../names.ts';
import { readDocument } from './package-document.ts';
import { memberPathSchema, timestampSchema } from './package-manifest.ts';
import { packageIdSchema } from './package-names.ts';
import { PACKAGE_TIERS, type PackageTier, readTier } from './tier.ts';

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);
const version = z.string().min(1).max(PROTOCOL_LIMITS.versionChars);

/** `tier_1`, `tier1` or `1`; in any order. */
const tiers = z
  .array(z.union([z.string(), z.number()]))
  .min(1)
  .max(PACKAGE_TIERS.length)
  .transform((words, context): PackageTier[] => {
    const read = words.map((word) => readTier(String(word)));
    const wrong = words.filter((_, index) => read[index] === undefined);
    if (wrong.length > 0) context.addIssue(`wanted tier_1, tier_2 or tier_3, not ${wrong.join(', ')}`);
    return PACKAGE_TIERS.filter((tier) => read.includes(tier));
  })
  .optional();

/** May hold `*`, `?` and `**`, for all files that are called so. */
const pattern = z
  .string()
  .refine((text) => isRelativePath(text.replaceAll(/[*?]/g, 'x')), 'wanted a path in this folder, like agents/*.yaml');

function listOf<T>(item: z.ZodType<T>) {
  return z.array(item).max(PROTOCOL_LIMITS.packageMembers).default([]);
}

/** A path by itself is one of these with nothing else said. */
function fileOr<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  return z.preprocess(
    (value) => (typeof value === 'string' ? { path: value } : value),
    z.strictObject({ path: pattern, tiers, ...shape }),
  );
}

const missionSchema = z.strictObject({
  mission: z
    .strictObject({
      id: packageIdSchema.optional(),
      description: z.string().max(PROTOCOL_LIMITS.packageTextChars).optional(),
      created: timestampSchema.optional(),
    })
    .default({}),
  models: listOf(
    z.preprocess(
      (value) => (typeof value === 'string' ? { name: value } : value),
      z.strictObject({
        /** `ID` or `ID@RANGE`. */
        name: z.string().refine(isModelRef, 'wanted a model like org/name@^1.3'),
        /** A file or a folder of this folder, instead of the library. */
        file: memberPathSchema.optional(),
        tiers,
      }),
    ),
  ),
  agents: listOf(fileOr({ id: label.optional(), version: version.optional() })),
  tools: listOf(fileOr({ id: label.optional(), version: version.optional() })),
  knowledge: listOf(fileOr({ domain: label.optional() })),
  config: listOf(fileOr({})),
});
export type Mission = z.infer<typeof missionSchema>;

/** Throws ProtocolError `bad_document` with every mistake and its line in `data.problems`. */
export function parseMission(text: string): Mission {
  return readDocument(text, {
    ...{ what: 'mission.yaml', maxBytes: PROTOCOL_LIMITS.missionBytes },
    ...{ schema: missionSchema, isText: (keys) => TEXT_KEYS.has(keys.at(-1) ?? '') },
  });
}

const TEXT_KEYS: ReadonlySet<string> = new Set([
  ...['id', 'version', 'name', 'domain', 'path', 'file', 'created', 'description'],
]);

/** The range stands behind the last `@` after the last `/`, as on the command line; none is the newest. */
export function readModelRef(text: string): { readonly id: string; readonly range: string } {
  const at = text.lastIndexOf('@');
  if (at <= text.lastIndexOf('/') + 1) return { id: text, range: 'latest' };
  return { id: text.slice(0, at), range: text.slice(at + 1) };
}

function isModelRef(text: string): boolean {
  const { id, range } = readModelRef(text);
  return isModelId(id) && range !== '' && range.length <= PROTOCOL_LIMITS.versionChars;
}
