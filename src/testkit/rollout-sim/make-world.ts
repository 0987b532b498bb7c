/** Simulated fleets by their numbers. */
import { createHash } from 'node:crypto';
import { type NodeId, seededRandom } from '../../core/index.ts';
import { type ModelManifest, parseManifest, type RolloutSpec } from '../../protocol/index.ts';
import { RolloutWorld, type WorldOptions } from './rollout-world.ts';
import { type Fate, SimNode } from './sim-node.ts';

export interface FleetOptions extends Omit<WorldOptions, 'spec' | 'nodes'> {
  readonly size: number;
  readonly deployers?: number;
  /** The shares of nodes on which the new version fails or hangs. */
  readonly fails?: number;
  readonly hangs?: number;
  readonly hadNothing?: number;
  readonly spec?: Partial<RolloutSpec>;
}

export const OLD = manifestOf('1.0.0');
export const NEW = manifestOf('2.0.0');

export function makeWorld(options: FleetOptions): RolloutWorld {
  const { size, deployers = 3, fails = 0, hangs = 0, hadNothing = 0, seed, spec, ...rest } = options;
  const random = seededRandom(seed + 1);
  const fateOf = (): Fate => {
    const lot = random.next();
    if (lot < fails) return 'fails';
    return lot < fails + hangs ? 'hangs' : 'good';
  };
  const nodes = Array.from({ length: size }, (_, index) => {
    const previous = random.next() < hadNothing ? undefined : OLD;
    const architecture = index % 10 === 9 ? 'aarch64' : 'x86_64';
    return new SimNode({
      nodeId: nodeIdOf(index),
      architecture,
      fate: fateOf(),
      mayDeploy: index < deployers,
      previous,
    });
  });
  return new RolloutWorld({ ...rest, seed, nodes, spec: specOf(spec) });
}

export function specOf(part: Partial<RolloutSpec> = {}): RolloutSpec {
  return {
    type: 'rollout_spec',
    rollout_id: '6f9f1d5e-3f52-4b8e-9c1a-7a5a0d9b2c11',
    ordered_by: nodeIdOf(0),
    ordered_at: 1_800_000_000_000,
    manifest: NEW,
    previous: OLD,
    target: { node_ids: [], roles: [], regions: [], labels: {} },
    waves: ['1', '10%', '50%', '100%'],
    max_failures: 0.05,
    soak_ms: 60_000,
    node_timeout_ms: 300_000,
    probe: true,
    priority: 3,
    ...part,
  };
}

/** Looks like one, and is the key of nobody. */
export function nodeIdOf(index: number): NodeId {
  const hex = createHash('sha256').update(`node ${index}`).digest('hex');
  return `12D3KooW${(hex + hex).replaceAll('0', 'z').slice(0, 44)}` as NodeId;
}

function manifestOf(version: string): ModelManifest {
  const sha256 = createHash('sha256').update(version).digest('hex');
  const what = { model_id: 'acme/detector', name: 'detector', model_type: 'detector', format: 'onnx' };
  return parseManifest({ ...what, version, sha256, size_bytes: 1000 });
}
