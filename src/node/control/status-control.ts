/** The node at a glance, its check-up, and its end. */
import type { AgentStatus } from '../../agents/index.ts';
import type { AgentRow, ControlHandlers, Status } from '../../api/index.ts';
import { formatRelayAddress } from '../../relay/index.ts';
import { hashingOf } from '../library/hashing-view.ts';
import { describeAgent } from '../packages/agent-words.ts';
import { isEnded } from '../pull/transfer-snapshot.ts';
import { runChecks } from './check-up.ts';
import { limitsNow } from './limits-control.ts';
import { listNodes } from './mesh-control.ts';
import type { NodeParts } from './parts.ts';

type StatusControl = Pick<ControlHandlers, 'status' | 'doctor' | 'shutdown'>;

export function statusControl(parts: NodeParts): StatusControl {
  return {
    status: () => readStatus(parts),
    doctor: async () => ({ checks: await runChecks(parts) }),
    async shutdown() {
      parts.shutDown();
      return { stopping: true };
    },
  };
}

async function readStatus(parts: NodeParts): Promise<Status> {
  const { mesh, library, catalog, transfers, store } = parts;
  const nodes = listNodes(parts);
  const models = library.list();
  const states = transfers.list().map((transfer) => transfer.state);
  const usage = await store.usage();
  return {
    node_id: mesh.nodeId,
    name: parts.name,
    role: mesh.role,
    version: parts.programVersion,
    home: parts.home.folder,
    pid: process.pid,
    uptime_s: Math.round((parts.clock.nowMs() - parts.startedAtMs) / 1000),
    mesh: {
      mesh_id: mesh.meshId,
      name: mesh.identity.meshName,
      authority: mesh.identity.authority !== undefined,
      members: nodes.filter((node) => node.state !== 'revoked').length,
      connected: mesh.peers().length,
    },
    listen: { http: parts.httpUrl(), mesh: mesh.addresses() },
    models: {
      local: models.length,
      ready: models.filter((model) => model.state === 'ready').length,
      mesh: catalog.getStats().models,
      size_bytes: models.reduce((sum, model) => sum + model.sizeBytes, 0),
    },
    hashing: hashingOf(parts.inventory),
    transfers: {
      active: states.filter((state) => !isEnded(state)).length,
      completed: states.filter((state) => state === 'Completed').length,
      failed: states.filter((state) => state === 'Failed').length,
    },
    store: { owned_bytes: usage.ownedBytes, partial_bytes: usage.partialBytes, free_bytes: await parts.freeBytes() },
    limits: { profile: parts.rates.policy.profile, ...limitsNow(parts) },
    ...relaysOf(parts),
    mirrors: [...parts.mirrors],
    tier: parts.nodes.self().tier ?? 'tier_1',
    agent_runner: parts.agents.runner === undefined ? null : [...parts.agents.runner],
    agents: parts.agents.statuses().map(toAgentRow),
    memory_bytes: process.memoryUsage.rss(),
    problems: (await runChecks(parts))
      .filter((check) => check.state !== 'ok')
      .map((check) => `${check.name}: ${check.detail}`),
  };
}

function toAgentRow(status: AgentStatus): AgentRow {
  const { packageId, packageVersion, id, version, state, pid = null, restarts, logFile } = status;
  const detail = describeAgent(status);
  return {
    package: packageId,
    package_version: packageVersion,
    id,
    version,
    state,
    pid,
    detail,
    restarts,
    log_file: logFile,
  };
}

function relaysOf({ relaying }: NodeParts): Pick<Status, 'relays' | 'relay'> {
  const relays = relaying
    .linkStates()
    .map(({ address, kind, isUp, why }) => ({ address, kind, up: isUp, ...(isUp ? {} : { why }) }));
  if (relaying.server === undefined) return { relays, relay: null };
  const { holders, pairs, totalBytes } = relaying.server.stats();
  return { relays, relay: { address: formatRelayAddress(relaying.server.address), holders, pairs, bytes: totalBytes } };
}
