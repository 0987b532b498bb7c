/** One node, with what it says of itself. Pure. */
import type { NodeRow } from '../api/index.ts';
import { formatBytes, MiB } from '../core/index.ts';

export function nodeLines(node: NodeRow): string[] {
  const { name, role, state, node_id: id, models, capabilities } = node;
  const head = [
    `${name}  ${role}, ${state}${node.this_node ? ', this node' : ''}`,
    line('node id', id),
    line('models', models),
  ];
  if (capabilities === null) return [...head, line('machine', 'it has not said what it is')];
  return [...head, ...machineLines(capabilities), ...wishLines(capabilities)];
}

type Capabilities = NonNullable<NodeRow['capabilities']>;

function machineLines({ hardware, execution_providers: providers, software }: Capabilities): string[] {
  const { architecture, cpu_cores: cores, gpu, vram_mb: vramMb } = hardware;
  const { python_version: python, package_count: packages } = software;
  return [
    line(
      'machine',
      `${architecture}, ${cores} ${cores === 1 ? 'core' : 'cores'}, ${megabytes(hardware.memory_mb)} of memory`,
    ),
    line('gpu', vramMb === 0 ? (gpu ?? 'none') : `${gpu ?? 'yes'}, ${megabytes(vramMb)}`),
    line('disk free', hardware.disk_free_mb === 0 ? 'not said' : megabytes(hardware.disk_free_mb)),
    line('runs', providers.length === 0 ? 'no runtime' : providers.join(', ')),
    line('python', python === null ? 'none' : `${python}, ${packages} packages`),
  ];
}

function wishLines({ region, tier, labels, interests, constraints }: Capabilities): string[] {
  const { max_model_size_mb: sizeMb, max_models: count } = constraints;
  const named = Object.entries(labels).map(([key, value]) => `${key}=${value}`);
  const bounds = [
    ...(sizeMb === null ? [] : [`models up to ${megabytes(sizeMb)}`]),
    ...(count === null ? [] : [`${count} of them`]),
  ];
  return [
    line('region', region ?? '-'),
    line('tier', tier ?? 'not said'),
    line('labels', named.length === 0 ? '-' : named.join(', ')),
    line('interests', interests.length === 0 ? '-' : interests.join(', ')),
    line('takes', bounds.length === 0 ? 'every model that fits' : bounds.join(', ')),
  ];
}

function line(title: string, value: string | number): string {
  return `  ${title.padEnd(10)} ${value}`;
}

function megabytes(count: number): string {
  return formatBytes(count * MiB);
}
