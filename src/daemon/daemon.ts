/**
 * A node and its HTTP edge as one program. Order of opening: node, edge, agent port, token and daemon file, then the mesh is told;
 * of closing: daemon file kept until the very last, so that whoever finds none may start another.
 */
import { rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CONTRACT_VERSION,
  DAEMON_FILE,
  type Daemon,
  type DaemonConfig,
  type DaemonFile,
  type DaemonReady,
} from '../api/index.ts';
import { type Logger, messageOf } from '../core/index.ts';
import { agentView, type OpenNode, openNode, writeLocalToken } from '../node/index.ts';
import { formatRelayAddress } from '../relay/index.ts';
import { HaveBook, type HttpEdge, openAgentPort, openHttpEdge } from '../server/index.ts';
import { exportDeploymentMetrics } from './deployment-metrics.ts';
import { exportDifferenceMetrics } from './difference-metrics.ts';
import { openLogger } from './logger.ts';
import { readProgramVersion } from './program-version.ts';
import { exportRelayMetrics } from './relay-metrics.ts';

/** Resolves when everything is open. Throws what opening the node or the edge throws; then nothing is left open. */
export async function openDaemon(config: DaemonConfig, logger: Logger = openLogger(config)): Promise<Daemon> {
  return (await openProgram(config, logger)).daemon;
}

export interface OpenProgram {
  readonly daemon: Daemon;
  readonly node: OpenNode;
}

/** The same, with the node inside, for programs that hold it in their own process. */
export async function openProgram(config: DaemonConfig, logger: Logger): Promise<OpenProgram> {
  const stack = new AsyncDisposableStack();
  const stopping = Promise.withResolvers<void>();
  try {
    const { ready, node } = await open(config, logger, stack, () => stopping.resolve());
    const stopped = stopping.promise.then(() => stack.disposeAsync());
    stopped.catch((thrown: unknown) => logger.error({ err: messageOf(thrown) }, 'stopping failed'));
    const stop = (): Promise<void> => {
      stopping.resolve();
      return stopped;
    };
    return { daemon: { ready, stopped, stop }, node };
  } catch (thrown) {
    await stack.disposeAsync();
    throw thrown;
  }
}

async function open(
  config: DaemonConfig,
  logger: Logger,
  stack: AsyncDisposableStack,
  onShutdown: () => void,
): Promise<{ readonly ready: DaemonReady; readonly node: OpenNode }> {
  const programVersion = readProgramVersion();
  const follows = stack.use(new HaveBook());
  const node = stack.use(await openNode({ config, programVersion, logger, follows, onShutdown }));
  const { home, mesh, name } = node.parts;
  stack.defer(() => rm(join(home.folder, DAEMON_FILE), { force: true }));
  const localToken = await writeLocalToken(home);
  const edge = stack.use(await openEdge({ config, node, follows, localToken, logger }));
  exportRelayMetrics(edge.metrics, node.relaying.server);
  exportDifferenceMetrics(edge.metrics, node.parts.differences);
  exportDeploymentMetrics(edge.metrics, () => node.parts.deployment.metrics());
  stack.use(node.relaying.openLinks((socket) => edge.acceptRelayed(socket)));
  stack.use(node.relaying.openWsLinks(edge.serveLink));
  const { port } = stack.use(await openAgentPort({ port: config.agentPort, content: agentView(node.parts), logger }));
  const agent = `http://127.0.0.1:${port}`;
  const http = `http://${edge.address.host === '::1' ? '[::1]' : '127.0.0.1'}:${edge.address.port}`;
  await writeDaemonFile(home.folder, {
    pid: process.pid,
    http,
    node_id: mesh.nodeId,
    started_at: new Date().toISOString(),
    contract: CONTRACT_VERSION,
  });
  node.announce(edge.address);
  const relay = node.relaying.server === undefined ? undefined : formatRelayAddress(node.relaying.server.address);
  logger.info({ nodeId: mesh.nodeId, http, agent, mesh: mesh.addresses(), relay }, 'ready');
  const places = { http, agent, mesh: mesh.addresses(), home: home.folder, relay };
  return { ready: { node_id: mesh.nodeId, name, ...places, pid: process.pid }, node };
}

interface EdgeParts {
  readonly config: DaemonConfig;
  readonly node: OpenNode;
  readonly follows: HaveBook;
  readonly localToken: string;
  readonly logger: Logger;
}

async function openEdge({ config, node, follows, localToken, logger }: EdgeParts): Promise<HttpEdge> {
  const edge = await openHttpEdge({
    ...(config.httpHost === undefined ? {} : { host: config.httpHost }),
    ...{ port: config.httpPort, openLan: config.openLan, localToken, logger, version: node.parts.programVersion },
    ...{ content: node.content, control: node.control, follows },
    ...{ nodeId: node.parts.mesh.nodeId, meshRelay: node.relaying.server?.webSockets },
    uploadGate: (viewer, sha256, sizeBytes) => node.uploadGate(viewer, sha256, sizeBytes),
    peers: { verifyPeer: (certificateDer) => node.verifyPeer(certificateDer) },
    tokens: { verifyToken: (bearer) => node.verifyToken(bearer) },
    tls: node.tls.current,
  });
  node.tls.renewals.on((identity) => edge.setTls(identity));
  node.parts.mesh.recordEvents.on((event) => {
    if (event.type === 'revoked') edge.disconnectPeer(event.nodeId);
  });
  let { meshId } = node.parts.mesh;
  node.parts.mesh.membershipEvents.on((event) => {
    if (event.type !== 'changed' || event.identity.meshId === meshId) return;
    meshId = event.identity.meshId;
    edge.disconnectPeers();
  });
  return edge;
}

async function writeDaemonFile(home: string, file: DaemonFile): Promise<void> {
  const path = join(home, DAEMON_FILE);
  const temporary = `${path}.${file.pid}`;
  await writeFile(temporary, `${JSON.stringify(file)}\n`, { mode: 0o600 });
  await rename(temporary, path);
}
