/**
 * `rollout`: a staged deployment and how far it is. The spec is signed by whoever ordered it and never changes; the state is
 * the word of the node that coordinates now. Spec: docs/spec/19-rollout.md §1, §2.
 */
import { z } from 'zod';
import { signatureSchema } from '../canonical.ts';
import { nodeIdSchema, parseAs } from '../certificate.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { digestKey } from '../record-key.ts';
import { boundedManifestSchema } from './manifest.ts';
import { targetSchema } from './update-command.ts';

/** Numbers among each other, shares among each other; which of both is larger depends on the fleet. */
export function areGrowingWaves(waves: readonly string[]): boolean {
  const isGrowing = (sizes: readonly number[]) => sizes.every((size, at) => at === 0 || size > (sizes[at - 1] ?? 0));
  const shares = waves.filter((wave) => wave.endsWith('%'));
  const counts = waves.filter((wave) => !wave.endsWith('%'));
  return (
    waves.at(-1) === '100%' &&
    isGrowing(shares.map((share) => Number.parseInt(share, 10))) &&
    isGrowing(counts.map(Number))
  );
}

const timeMs = z.number().int().nonnegative();

export const rolloutSpecSchema = lenientObject({
  type: z.literal('rollout_spec'),
  rollout_id: z.uuid(),
  ordered_by: nodeIdSchema,
  ordered_at: timeMs,
  manifest: boundedManifestSchema,
  /** What a node that had something goes back to. Absent: the model goes. */
  previous: boundedManifestSchema.optional(),
  target: targetSchema.prefault({}),
  /** Cumulative, in order: a number of nodes (`1`) or a share (`10%`); the last is the whole. */
  waves: z
    .array(z.string().regex(/^[1-9]\d{0,5}$|^(100|[1-9]\d?)%$/, 'a wave is a number of nodes or a share like 10%'))
    .min(1)
    .max(PROTOCOL_LIMITS.rolloutWaves)
    .refine(areGrowingWaves, 'numbers grow, shares grow, and the last wave is 100%'),
  /** Share of the nodes tried so far, 0–1, above which everything is rolled back. */
  max_failures: z.number().min(0).max(1),
  soak_ms: z.number().int().nonnegative().max(PROTOCOL_LIMITS.rolloutSoakMs),
  /** A node that has not answered for so long counts as failed when it is in the wave. */
  node_timeout_ms: z.number().int().positive().max(PROTOCOL_LIMITS.rolloutSoakMs),
  probe: z.boolean().default(true),
  priority: z.number().int().min(1).max(5).default(3),
  signature: signatureSchema.optional(),
}).refine(({ manifest, previous }) => previous === undefined || previous.model_id === manifest.model_id, {
  message: 'another model',
  path: ['previous'],
});
export type RolloutSpec = z.infer<typeof rolloutSpecSchema>;

export const ROLLOUT_PHASES = ['running', 'paused', 'rolling_back', 'rolled_back', 'aborted', 'done'] as const;
export type RolloutPhase = (typeof ROLLOUT_PHASES)[number];

/** One text a wave, one character a node of it. */
function marks(letters: RegExp) {
  return z
    .array(z.string().max(PROTOCOL_LIMITS.rolloutNodes).regex(letters))
    .max(PROTOCOL_LIMITS.rolloutWaves)
    .default([]);
}

export const rolloutStateSchema = lenientObject({
  phase: z.enum(ROLLOUT_PHASES),
  /** The wave that is being done, from 0. Only ever grows. */
  wave: z.number().int().nonnegative().max(PROTOCOL_LIMITS.rolloutWaves),
  /** Nodes of each wave so far, as they were chosen; later waves are chosen when they begin. A wave only grows. */
  waves: z
    .array(z.array(nodeIdSchema).max(PROTOCOL_LIMITS.rolloutNodes))
    .max(PROTOCOL_LIMITS.rolloutWaves)
    .refine((waves) => waves.flat().length <= PROTOCOL_LIMITS.rolloutNodes, 'too many nodes')
    .refine((waves) => new Set(waves.flat()).size === waves.flat().length, 'a node is in two waves'),
  /** `.` not answered, `+` well, `-` failed, `~` silent, `<` back, `x` failed and back, `!` could not go back. What is missing is `.`. */
  results: marks(/^[.+\-~<x!]*$/),
  /** `p` had a version of the model, `n` had none. What is missing is `p`. */
  before: marks(/^[pn]*$/),
  /** When the wave's newest nodes were chosen. */
  wave_began_at: timeMs,
  /** When all of the wave had answered, and the soak began. */
  soak_began_at: timeMs.optional(),
  back_began_at: timeMs.optional(),
  /** Grows whenever another node takes over. */
  term: z.number().int().positive(),
  coordinator: nodeIdSchema,
  why: z.string().max(PROTOCOL_LIMITS.pathChars).optional(),
});
export type RolloutState = z.infer<typeof rolloutStateSchema>;

const rolloutSchema = lenientObject({
  type: z.literal('rollout'),
  spec: rolloutSpecSchema,
  state: rolloutStateSchema,
});
export type Rollout = z.infer<typeof rolloutSchema>;

/** Throws ProtocolError `malformed`. */
export function parseRollout(value: unknown): Rollout {
  return parseAs(rolloutSchema, value, 'a rollout');
}

/**
 * Bound to who orders what and when, so that no other order can take an id that is in use: UUID version 8 (RFC 9562 §5.8) over
 * SHA-256. Spec: docs/spec/19-rollout.md §1.
 */
export function rolloutIdOf({
  ordered_by,
  ordered_at,
  manifest,
}: Pick<RolloutSpec, 'ordered_by' | 'ordered_at' | 'manifest'>): string {
  const hex = digestKey(`${ordered_by}\n${ordered_at}\n${manifest.sha256}`);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
}
