/**
 * What fit compares, read once per manifest and per node: a plan asks for a million pairs. Kept as long as the manifest or the
 * facts themselves.
 */
import type { ModelManifest } from '../../protocol/index.ts';
import type { NodeFacts } from '../types.ts';
import { toArchitecture, toProvider } from './aliases.ts';
import { type Requirement, readRequirement, toPackageName } from './requirement.ts';

export interface PreparedManifest {
  readonly architectures: readonly string[];
  readonly providers: readonly string[];
  readonly requirements: readonly Requirement[];
  readonly unreadable: readonly string[];
}

export interface PreparedNode {
  readonly architecture: string;
  /** A node that names none has a CPU all the same. */
  readonly providers: readonly string[];
  /** Version by name. */
  readonly packages: ReadonlyMap<string, string>;
  readonly hasGpu: boolean;
}

const manifests = new WeakMap<ModelManifest, PreparedManifest>();
const nodes = new WeakMap<NodeFacts, PreparedNode>();

export function preparedManifest(manifest: ModelManifest): PreparedManifest {
  const known = manifests.get(manifest);
  if (known !== undefined) return known;
  const read = manifest.python_requirements.map((text) => ({ text, requirement: readRequirement(text) }));
  const prepared = {
    architectures: manifest.needs.architectures.map(toArchitecture),
    providers: manifest.needs.execution_providers.map(toProvider),
    requirements: read.flatMap(({ requirement }) => (requirement === undefined ? [] : [requirement])),
    unreadable: read.filter(({ requirement }) => requirement === undefined).map(({ text }) => text),
  };
  manifests.set(manifest, prepared);
  return prepared;
}

export function preparedNode(node: NodeFacts): PreparedNode {
  const known = nodes.get(node);
  if (known !== undefined) return known;
  const told = node.execution_providers.map(toProvider);
  const prepared = {
    architecture: toArchitecture(node.hardware.architecture),
    providers: told.length === 0 ? ['cpu'] : told,
    packages: new Map(node.software.installed_packages.map(readPackage)),
    hasGpu: node.hardware.gpu !== undefined || node.hardware.vram_mb > 0,
  };
  nodes.set(node, prepared);
  return prepared;
}

/** `name==version`. */
function readPackage(text: string): [string, string] {
  const [name = '', version = ''] = text.split('==', 2);
  return [toPackageName(name.trim()), version.trim()];
}
