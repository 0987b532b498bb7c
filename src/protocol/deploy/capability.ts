/** `node_capabilities`: what a node says of itself, so that models can be matched to it. Spec: docs/spec/17-deployment.md §1. */
import { z } from 'zod';
import { nodeIdSchema, parseAs, roleSchema } from '../certificate.ts';
import { lenientObject } from '../lenient.ts';
import { PROTOCOL_LIMITS } from '../limits.ts';
import { tierSchema } from '../package/tier.ts';

const label = z.string().min(1).max(PROTOCOL_LIMITS.labelChars);
const labels = z.array(label).max(PROTOCOL_LIMITS.capabilitiesPerModel);
const megabytes = z.number().int().nonnegative().max(PROTOCOL_LIMITS.megabytes);

const capabilitySchema = lenientObject({
  type: z.literal('node_capabilities'),
  node_id: nodeIdSchema,
  node_name: label,
  /** As its certificate says; readers take it from there. */
  role: roleSchema,
  region: label.optional(),
  /** Which part of a package it takes (docs/spec/21-packages.md §3); one that is not known here is as if unsaid. */
  tier: tierSchema.optional().catch(undefined),
  labels: z
    .record(z.string().min(1).max(PROTOCOL_LIMITS.labelChars), z.string().max(PROTOCOL_LIMITS.labelChars))
    .default({}),
  hardware: lenientObject({
    memory_mb: megabytes,
    vram_mb: megabytes.default(0),
    cpu_cores: z.number().int().nonnegative().max(PROTOCOL_LIMITS.cpuCores),
    gpu: label.optional(),
    /** `x86_64`, `aarch64`, …: the kernel's name. */
    architecture: label,
    disk_free_mb: megabytes.default(0),
  }),
  /** Those that really load here, best first. */
  execution_providers: labels.default([]),
  software: lenientObject({
    python_version: label.optional(),
    /** `name==version`. */
    installed_packages: z.array(label).max(PROTOCOL_LIMITS.packagesPerNode).default([]),
  }).prefault({}),
  interests: labels.default([]),
  constraints: lenientObject({
    max_model_size_mb: megabytes.optional(),
    max_models: z.number().int().nonnegative().optional(),
  }).prefault({}),
});
export type NodeCapabilities = z.infer<typeof capabilitySchema>;

/** Throws ProtocolError `malformed`. */
export function parseNodeCapabilities(value: unknown): NodeCapabilities {
  return parseAs(capabilitySchema, value, 'node capabilities');
}
