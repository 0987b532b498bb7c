/** The checks that `atmosphere doctor` asks of a running node: each with what to try where it is not well. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { DoctorReport } from '../../api/index.ts';
import { formatBytes, GB, MiB } from '../../core/index.ts';
import type { Deployed } from '../../deploy/index.ts';
import { tierOfHardware } from '../facts/own-facts.ts';
import { describeAgent, NO_RUNNER } from '../packages/agent-words.ts';
import { limitsNow } from './limits-control.ts';
import { listNodes } from './mesh-control.ts';
import type { NodeParts } from './parts.ts';

export type Check = DoctorReport['checks'][number];

const LOW_SPACE_BYTES = 5 * GB;
const SOON_MS = 14 * 86_400_000;

export async function runChecks(parts: NodeParts): Promise<Check[]> {
  return [
    await checkHome(parts),
    await checkSpace(parts),
    checkMesh(parts),
    ...checkName(parts),
    checkCertificate(parts),
    checkModels(parts),
    ...checkDeployments(parts),
    await checkRuntime(parts),
    checkTier(parts),
    ...checkAgents(parts),
    ...checkRelays(parts),
    ...checkLimits(parts),
    ...checkPeers(parts),
    ...checkAudit(parts),
  ];
}

/** Said only where something is wrong: reading all of the log takes its time. */
function checkAudit({ audit }: NodeParts): Check[] {
  if (audit.problem === undefined) return [];
  return [
    {
      name: 'audit',
      state: 'fail',
      detail: `the audit log is not what it was: ${audit.problem}`,
      try: 'atmosphere audit --verify',
    },
  ];
}

async function checkHome({ home }: NodeParts): Promise<Check> {
  try {
    await access(home.folder, constants.W_OK);
    return { name: 'home', state: 'ok', detail: `${home.folder} can be written` };
  } catch {
    return {
      name: 'home',
      state: 'fail',
      detail: `${home.folder} can not be written`,
      try: `chmod u+w ${home.folder}`,
    };
  }
}

async function checkSpace(parts: NodeParts): Promise<Check> {
  const freeBytes = await parts.freeBytes();
  const detail = `${formatBytes(freeBytes)} free for models`;
  if (freeBytes >= LOW_SPACE_BYTES) return { name: 'disk', state: 'ok', detail };
  return { name: 'disk', state: 'warn', detail, try: 'atmosphere model remove NAME' };
}

function checkMesh(parts: NodeParts): Check {
  const others = listNodes(parts).filter((node) => !node.this_node && node.state !== 'revoked');
  const connected = parts.mesh.peers().length;
  if (others.length === 0)
    return {
      name: 'mesh',
      state: 'ok',
      detail: 'a mesh of one',
      try: 'atmosphere mesh invite, or atmosphere join CODE',
    };
  if (connected > 0)
    return { name: 'mesh', state: 'ok', detail: `${connected} of ${others.length} other nodes connected` };
  const detail = `none of ${others.length} other nodes is connected; are they up, and is the mesh port open?`;
  return { name: 'mesh', state: 'warn', detail, try: 'atmosphere mesh nodes' };
}

/** Two machines of one host name are common, and lists, `--from` and `mesh revoke` say names. */
function checkName(parts: NodeParts): Check[] {
  const namesakes = listNodes(parts).filter(
    (node) => !node.this_node && node.state !== 'revoked' && node.name === parts.name,
  );
  if (namesakes.length === 0) return [];
  const detail = `another node of the mesh is called ${parts.name} too`;
  return [{ name: 'name', state: 'warn', detail, try: 'atmosphere down && atmosphere up --detach --name NAME' }];
}

function checkCertificate({ mesh, clock }: NodeParts): Check {
  const leftMs = mesh.identity.certificate.expires_at - clock.nowMs();
  const detail = `membership until ${new Date(mesh.identity.certificate.expires_at).toISOString().slice(0, 10)}`;
  if (mesh.isRevoked(mesh.nodeId))
    return {
      name: 'membership',
      state: 'fail',
      detail: 'this node was put out of the mesh',
      try: 'atmosphere mesh leave',
    };
  if (leftMs > SOON_MS) return { name: 'membership', state: 'ok', detail };
  return {
    name: 'membership',
    state: 'warn',
    detail,
    try: 'start the node that made the mesh, and wait: it renews memberships',
  };
}

function checkModels({ library }: NodeParts): Check {
  const bad = library.list().filter((model) => model.state === 'damaged' || model.state === 'missing');
  if (bad.length === 0) return { name: 'models', state: 'ok', detail: `${library.list().length} on this machine` };
  const names = bad
    .slice(0, 3)
    .map((model) => model.modelId)
    .join(', ');
  return {
    name: 'models',
    state: 'warn',
    detail: `${bad.length} damaged or missing: ${names}`,
    try: `atmosphere model info ${bad[0]?.modelId}`,
  };
}

/** Whether models can be loaded here, or only looked at. */
async function checkRuntime({ runtimes }: NodeParts): Promise<Check> {
  const name = 'runtime';
  const state = await runtimes.onnx();
  if ('version' in state)
    return {
      name,
      state: 'ok',
      detail: `ONNX Runtime ${state.version} answers, on ${state.executionProviders.join(', ')}`,
    };
  const detail = `no ONNX Runtime, so deployed models end as Ready, never as Loaded. ${state.missing}`;
  return {
    name,
    state: 'warn',
    detail,
    try: 'npm install onnxruntime-node  # beside the program, then restart the daemon',
  };
}

/** A way back that failed is said first, and loudest. */
function checkDeployments({ deployment }: NodeParts): Check[] {
  const rows = deployment.rows();
  const failed = rows.filter(({ status }) => status === 'Failed');
  if (rows.length > 0 && failed.length === 0)
    return [{ name: 'deployments', state: 'ok', detail: `${rows.length} as they should be` }];
  return failed
    .toSorted((a, b) => Number(isStuck(b)) - Number(isStuck(a)))
    .slice(0, DEPLOYMENTS_TOLD)
    .map((row) => ({
      name: `deployment ${row.modelId}`,
      state: isStuck(row) ? 'fail' : 'warn',
      detail: `${row.version}: ${row.error?.message ?? 'failed'}`,
      try: `atmosphere model status ${row.modelId}`,
    }));
}

const DEPLOYMENTS_TOLD = 10;

function isStuck({ step, error }: Deployed): boolean {
  return step === 'rollback' || error?.code === 'rollback_failed';
}

/** Who wonders why a package brought little looks here. */
function checkTier({ nodes }: NodeParts): Check {
  const { tier, hardware } = nodes.self();
  const bySize = tierOfHardware(hardware);
  const size = `${formatBytes(hardware.memory_mb * MiB)} of memory, ${formatBytes(hardware.vram_mb * MiB)} of a GPU’s`;
  const why = tier === bySize ? size : `as its owner says; by its size (${size}) it would be ${bySize}`;
  return { name: 'tier', state: 'ok', detail: `${tier} of packages: ${why}` };
}

/** Agents that do not run, and what keeps them from it; nothing where no package has any. */
function checkAgents({ agents }: NodeParts): Check[] {
  const statuses = agents.statuses();
  const name = 'agents';
  if (statuses.length === 0) return [];
  if (agents.runner === undefined) {
    const detail = `${NO_RUNNER}: ${statuses.length} of packages are not started`;
    return [{ name, state: 'warn', detail, try: "atmosphere up --agent-runner 'PROGRAM {path}'" }];
  }
  const failing = statuses.filter(({ state }) => state === 'waiting' || state === 'refused');
  if (failing.length === 0) return [{ name, state: 'ok', detail: `${statuses.length} run` }];
  return failing.slice(0, AGENTS_TOLD).map((agent) => ({
    name: `agent ${agent.packageId}/${agent.id}`,
    state: 'warn',
    detail: describeAgent(agent),
    try: `tail ${agent.logFile}`,
  }));
}

const AGENTS_TOLD = 10;

/** By which relays this node is to be reached, and whether it is. */
function checkRelays({ relaying }: NodeParts): Check[] {
  return relaying.linkStates().map(({ address, kind, isUp, why }): Check => {
    const name = `relay ${address}`;
    const road = kind === 'websocket' ? 'its WebSockets' : 'it';
    if (isUp) return { name, state: 'ok', detail: `this node can be reached through ${road}` };
    const detail = `this node can not be reached through ${road}: ${why}`;
    return {
      name,
      state: 'warn',
      detail,
      try: 'atmosphere mesh nodes  # is the relay a member, and online? And can its port be reached from here?',
    };
  });
}

/** Nothing is wrong with a limit; who wonders why it is slow looks here. */
function checkLimits(parts: NodeParts): Check[] {
  const { download, upload, by_size, until } = limitsNow(parts);
  const [name, { profile }] = ['limits', parts.rates.policy];
  if (profile === 'lan') return [{ name, state: 'ok', detail: 'none' }];
  const rates = `download ${download}, upload ${upload}${by_size ? ', each transfer by its size' : ''}`;
  return [{ name, state: 'ok', detail: `${profile}: ${rates}${until === null ? '' : `, until ${until}`}` }];
}

/** Whom this node asks for nothing, or last. */
function checkPeers(parts: NodeParts): Check[] {
  return listNodes(parts).flatMap(({ name, state, standing }): Check[] => {
    if (state === 'revoked' || (standing?.word !== 'banned' && standing?.word !== 'suspect')) return [];
    const detail = `${standing.word}: ${standing.reason}`;
    return [
      {
        name: `peer ${name}`,
        state: 'warn',
        detail,
        try: `atmosphere mesh nodes  # and on ${name}: model verify of what it serves, then its disk and memory`,
      },
    ];
  });
}
