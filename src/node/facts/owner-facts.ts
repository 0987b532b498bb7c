/** What the owner says of this node with `up`: kept, so that a restart without the flags changes nothing. Spec: docs/spec/17-deployment.md §1.6. */
import { z } from 'zod';
import type { NodeFactsConfig } from '../../api/index.ts';
import type { NodeCapabilities } from '../../protocol/index.ts';
import type { Registry } from '../../registry/index.ts';

const KEY = 'node_facts';

const storedSchema = z.object({
  region: z.string().optional(),
  labels: z.record(z.string(), z.string()).default({}),
  interests: z.array(z.string()).default([]),
  max_model_size_mb: z.number().int().nonnegative().optional(),
  max_models: z.number().int().nonnegative().optional(),
  memory_mb: z.number().int().nonnegative().optional(),
  architecture: z.string().optional(),
  tier: z.string().optional(),
});
type Stored = z.infer<typeof storedSchema>;

export interface OwnerFacts extends Pick<NodeCapabilities, 'labels' | 'interests' | 'constraints'> {
  readonly region?: string;
  /** In place of what its size says. */
  readonly tier?: string;
  /** In place of what the machine has. */
  readonly machine: { readonly memoryMb?: number; readonly architecture?: string };
}

/** What is given now takes the place of what was given before, flag by flag; null takes it away. */
export function ownerFacts(settings: Registry['settings'], given: NodeFactsConfig = {}): OwnerFacts {
  const before = readStored(settings.get(KEY));
  const now = storedSchema.parse({
    region: choose(given.region, before.region),
    labels: choose(given.labels, before.labels),
    interests: choose(given.interests, before.interests),
    max_model_size_mb: choose(given.maxModelSizeMb, before.max_model_size_mb),
    max_models: choose(given.maxModels, before.max_models),
    memory_mb: choose(given.memoryMb, before.memory_mb),
    architecture: choose(given.architecture, before.architecture),
    tier: choose(given.tier, before.tier),
  });
  if (JSON.stringify(now) !== JSON.stringify(before)) settings.set(KEY, now);
  const { region, labels, interests, max_model_size_mb, max_models, memory_mb: memoryMb, architecture, tier } = now;
  return {
    ...(region === undefined ? {} : { region }),
    ...(tier === undefined ? {} : { tier }),
    ...{ labels, interests },
    machine: {
      ...(memoryMb === undefined ? {} : { memoryMb }),
      ...(architecture === undefined ? {} : { architecture }),
    },
    constraints: {
      ...(max_model_size_mb === undefined ? {} : { max_model_size_mb }),
      ...(max_models === undefined ? {} : { max_models }),
    },
  };
}

function choose<Value>(given: Value | null | undefined, before: Value | undefined): Value | undefined {
  return given === undefined ? before : (given ?? undefined);
}

/** A setting of another program version may not be readable: it is then as if it had never been said. */
function readStored(value: unknown): Stored {
  const stored = storedSchema.safeParse(value ?? {});
  return stored.success ? stored.data : storedSchema.parse({});
}
