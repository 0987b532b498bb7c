/** Gateways of the local network as DNS-SD shows them: ours as it is told, others as they claim to be. Pure. Spec: docs/spec/24-local-network.md §2. */
import { createHash } from 'node:crypto';
import { isNodeId, type MeshId, type NodeId } from '../../../core/index.ts';
import type { LanService, OwnService } from '../../../lan/index.ts';
import { isPackageId, isPackageVersion } from '../../../protocol/index.ts';

export const GATEWAY_SERVICE = '_atmosphere._tcp';

export interface ShownPackage {
  readonly id: string;
  readonly version: string;
}

/** A stranger's claim: nothing is done on its word but to ask. */
export interface GatewayClaim {
  readonly nodeId: NodeId;
  /** Of the mesh it says it is in. */
  readonly meshMark: string;
  readonly name: string;
  /** Where the words came from. */
  readonly address: string;
  readonly httpPort: number;
  readonly meshPort: number | undefined;
  readonly packages: readonly ShownPackage[];
  /** How many it has, those that found no room among them. */
  readonly packageCount: number;
}

export interface GatewayFacts {
  readonly nodeId: NodeId;
  readonly meshId: MeshId;
  readonly name: string;
  readonly httpPort: number;
  readonly meshPort: number | undefined;
  readonly packages: readonly ShownPackage[];
}

/** Tells nobody which mesh it is who does not know its id. */
export function meshMark(meshId: MeshId): string {
  return createHash('sha256').update(meshId).digest('hex').slice(0, MARK_CHARS);
}

const MARK_CHARS = 16;
const HOST_CHARS = 8;
const SUFFIX_CHARS = 6;

export function toService({ nodeId, meshId, name, httpPort, meshPort, packages }: GatewayFacts): OwnService {
  const entries: (readonly [string, string])[] = [
    ['v', '1'],
    ['node', nodeId],
    ['mesh', meshMark(meshId)],
    ...(meshPort === undefined ? [] : [['mesh_port', String(meshPort)] as const]),
    ['packages', String(packages.length)],
    ...packages.map(({ id, version }, index) => [`p${index + 1}`, `${id}@${version}`] as const),
  ];
  return {
    type: GATEWAY_SERVICE,
    instance: name,
    host: `atmosphere-${nodeId.slice(-HOST_CHARS).toLowerCase()}`,
    port: httpPort,
    txt: entries,
  };
}

/** Put after the name where another machine has it. */
export function suffixOf(nodeId: NodeId): string {
  return nodeId.slice(-SUFFIX_CHARS);
}

/** Undefined for what is no gateway of ours, or does not say which. */
export function readGateway({ instance, address, port, txt }: LanService): GatewayClaim | undefined {
  const [nodeId, mark] = [txt.get('node'), txt.get('mesh')];
  if (txt.get('v') !== '1' || nodeId === undefined || !isNodeId(nodeId)) return undefined;
  if (mark === undefined || !/^[0-9a-f]{16}$/.test(mark)) return undefined;
  const packages = [...txt]
    .filter(([key]) => /^p[1-9][0-9]*$/.test(key))
    .flatMap(([, value]) => readShown(value) ?? []);
  return {
    ...{ nodeId, meshMark: mark, name: instance, address, httpPort: port, packages },
    meshPort: portOf(txt.get('mesh_port')),
    packageCount: Math.max(packages.length, countOf(txt.get('packages'))),
  };
}

function readShown(text: string): ShownPackage | undefined {
  const at = text.indexOf('@');
  const [id, version] = [text.slice(0, Math.max(0, at)), text.slice(at + 1)];
  return isPackageId(id) && isPackageVersion(version) ? { id, version } : undefined;
}

function portOf(text: string | undefined): number | undefined {
  const port = /^[1-9][0-9]{0,4}$/.test(text ?? '') ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : undefined;
}

function countOf(text: string | undefined): number {
  return /^[0-9]{1,6}$/.test(text ?? '') ? Number(text) : 0;
}
