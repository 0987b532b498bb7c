/** Which nodes a rule is for, and which models it means there. Spec: docs/spec/18-rules.md §2, §3. Pure. */
import type { DeploymentRule } from '../../protocol/index.ts';
import { toArchitecture } from '../fit/aliases.ts';
import { preparedNode } from '../fit/prepared.ts';
import type { KnownManifest, NodeFacts } from '../types.ts';
import { isWithin } from './time-span.ts';

/** Why the rule is not for this node: the first condition that does not hold; undefined where all hold. */
export function mismatchOf(rule: DeploymentRule, node: NodeFacts, minuteOfDay: number): string | undefined {
  return mismatchOfPlace(rule, node) ?? mismatchOfMachine(rule, node) ?? mismatchOfTrigger(rule, node, minuteOfDay);
}

function mismatchOfPlace({ conditions }: DeploymentRule, node: NodeFacts): string | undefined {
  const { role, region, labels } = conditions;
  if (role !== undefined && !isAmong(node.role, role)) return `its role is ${node.role}, wanted ${listOf(role)}`;
  if (region !== undefined && (node.region === undefined || !isAmong(node.region, region))) {
    return `it is in ${node.region ?? 'no region'}, wanted ${listOf(region)}`;
  }
  for (const [key, value] of Object.entries(labels ?? {})) {
    const own = Object.hasOwn(node.labels, key) ? node.labels[key] : undefined;
    if (own !== value) return `its label ${key} is ${own ?? 'not set'}, wanted ${value}`;
  }
  return undefined;
}

function mismatchOfMachine({ conditions }: DeploymentRule, node: NodeFacts): string | undefined {
  const { architecture, min_memory_mb: memory = 0, min_vram_mb: vram = 0, min_cpu_cores: cores = 0, gpu } = conditions;
  const { hardware } = node;
  const has = preparedNode(node);
  if (architecture !== undefined && ![architecture].flat().some((one) => toArchitecture(one) === has.architecture)) {
    return `it is ${has.architecture}, wanted ${listOf(architecture)}`;
  }
  if (hardware.memory_mb < memory) return `it has ${hardware.memory_mb} MB of memory, wanted ${memory}`;
  if (hardware.vram_mb < vram) return `it has ${hardware.vram_mb} MB of VRAM, wanted ${vram}`;
  if (hardware.cpu_cores < cores) return `it has ${hardware.cpu_cores} cores, wanted ${cores}`;
  if (gpu !== undefined && gpu !== has.hasGpu) return gpu ? 'it has no GPU' : 'it has a GPU';
  return undefined;
}

function mismatchOfTrigger(rule: DeploymentRule, node: NodeFacts, minuteOfDay: number): string | undefined {
  const { capabilities } = rule.conditions;
  if (capabilities !== undefined && !capabilities.some((one) => node.interests.includes(one))) {
    return `its interests are ${listOf(node.interests)}, wanted ${listOf(capabilities)}`;
  }
  if (rule.trigger === 'schedule' && !isWithin(rule.schedule ?? '', minuteOfDay)) {
    return `it is not ${rule.schedule ?? 'any time'} there`;
  }
  if (rule.trigger === 'capability_needed' && node.interests.length === 0) return 'it has no interests';
  return undefined;
}

/** Whether a rule that is for the node means this model there. */
export function meansModel(
  rule: DeploymentRule,
  { manifest, publishedAtMs }: KnownManifest,
  node: NodeFacts,
  ruleSinceMs: number,
): boolean {
  if (rule.trigger === 'model_published') return publishedAtMs >= ruleSinceMs;
  if (rule.trigger !== 'capability_needed') return true;
  const wanted = rule.conditions.capabilities;
  return manifest.capabilities.some(
    (one) => node.interests.includes(one) && (wanted === undefined || wanted.includes(one)),
  );
}

function isAmong(value: string, wanted: string | readonly string[]): boolean {
  return typeof wanted === 'string' ? wanted === value : wanted.includes(value);
}

function listOf(words: string | readonly string[]): string {
  const list = [words].flat();
  return list.length === 0 ? 'none' : list.join(' or ');
}
