/** A fleet with its models, orders and rules, of any size: what the decisions are measured on. The same numbers, the same fleet. */
import { createHash } from 'node:crypto';
import { type NodeId, type Random, seededRandom } from '../../src/core/index.ts';
import type { Fleet, FleetNode, KnownManifest, Order, RuleSet } from '../../src/deploy/index.ts';
import {
  parseDeploymentRules,
  parseManifest,
  parseNodeCapabilities,
  parseUpdateCommand,
} from '../../src/protocol/index.ts';

const NOW_MS = Date.UTC(2026, 0, 15, 12);
const ROLES = ['edge', 'edge', 'edge', 'gateway', 'member'];
const REGIONS = ['north', 'south', 'west'];
const ARCHITECTURES = ['x86_64', 'x86_64', 'aarch64', 'armv7'];
const MEMORY_MB = [512, 2048, 4096, 16_384, 65_536];
/** One model in five is ordered somewhere by a person, one in ten has so many replicas, one in four is meant for a role. */
const ORDERED = 0.2;
const REPLICATED = 0.1;
const ORGANIC = 0.25;
const RULES = 20;
const NAMED_PER_RULE = 20;

export function makeFleet(nodeCount: number, modelCount: number): Fleet {
  const random = seededRandom(1);
  const nodes = Array.from({ length: nodeCount }, (_, index) => makeNode(index, random));
  const manifests = Array.from({ length: modelCount }, (_, index) => makeManifest(index, random));
  const orders = manifests.filter(() => random.next() < ORDERED).map((known, index) => makeOrder(known, index, random));
  return {
    nodes,
    manifests,
    orders,
    rules: [makeRules(modelCount, random)],
    rollouts: [],
    deprecated: [],
    access: { mayDeploy: () => undefined, mayRead: () => undefined },
    nowMs: NOW_MS,
    minuteOfDay: 720,
  };
}

function pick<T>(from: readonly T[], random: Random): T {
  return from[Math.floor(random.next() * from.length)] as T;
}

/** The shape of a node id; nobody has its key. */
function nodeIdOf(index: number): NodeId {
  const letters = createHash('sha512').update(`node ${index}`).digest('hex').replaceAll('0', 'z').slice(0, 44);
  return `12D3KooW${letters}` as NodeId;
}

function makeNode(index: number, random: Random): FleetNode {
  const facts = parseNodeCapabilities({
    ...{ type: 'node_capabilities', node_id: nodeIdOf(index), node_name: `node-${index}`, role: pick(ROLES, random) },
    ...{ region: pick(REGIONS, random), labels: { line: String(index % 10) } },
    hardware: {
      ...{ memory_mb: pick(MEMORY_MB, random), cpu_cores: 4, architecture: pick(ARCHITECTURES, random) },
      disk_free_mb: 100_000,
    },
    execution_providers: ['cpu'],
  });
  return { facts, online: random.next() < 0.95 };
}

function makeManifest(index: number, random: Random): KnownManifest {
  const modelId = `fleet/model-${index}`;
  const manifest = parseManifest({
    ...{ model_id: modelId, name: modelId, version: `1.${index % 12}.0`, model_type: 'detector', format: 'onnx' },
    ...{ size_bytes: 20_000_000, sha256: createHash('sha256').update(modelId).digest('hex') },
    needs: { min_memory_mb: pick(MEMORY_MB, random) / 2, architectures: ['x86_64', 'arm64'], min_cpu_cores: 1 },
    deployment: {
      replicas: random.next() < REPLICATED ? 5 : 0,
      roles: random.next() < ORGANIC ? [pick(ROLES, random)] : [],
    },
  });
  return { manifest, publishedAtMs: NOW_MS - 1000 };
}

function makeOrder({ manifest }: KnownManifest, index: number, random: Random): Order {
  const target = random.next() < 0.5 ? { roles: ['edge'] } : { regions: [pick(REGIONS, random)] };
  const command = parseUpdateCommand({
    ...{ type: 'model_update', manifest, target, timestamp: new Date(NOW_MS).toISOString() },
    command_id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
  });
  return { command, author: nodeIdOf(0), orderedAtMs: NOW_MS - index };
}

function makeRules(modelCount: number, random: Random): RuleSet {
  const named = () => ({ name: `fleet/model-${Math.floor(random.next() * modelCount)}`, version: '>=1.0.0' });
  const { rules } = parseDeploymentRules({
    type: 'deployment_rules',
    rules: Array.from({ length: RULES }, (_, index) => ({
      ...{ name: `rule-${index}`, trigger: 'node_join' },
      conditions: { role: pick(ROLES, random), min_memory_mb: 1024, region: pick(REGIONS, random) },
      models: Array.from({ length: NAMED_PER_RULE }, named),
    })),
  });
  return { name: 'default', rules, author: nodeIdOf(0), orderedAtMs: NOW_MS };
}
