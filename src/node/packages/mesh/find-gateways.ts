/**
 * Looks for gateways in the local network and connects to those of this mesh; who they really are is proven by their certificates
 * there. Spec: docs/spec/24-local-network.md §6.
 */
import type { Clock, Logger, NodeId } from '../../../core/index.ts';
import { Browser, LocalNetwork, type LocalNetworkOptions } from '../../../lan/index.ts';
import type { Mesh } from '../../../mesh/index.ts';
import { PACKAGE_LIMITS } from '../limits.ts';
import { GATEWAY_SERVICE, type GatewayClaim, meshMark, readGateway } from './gateway-claim.ts';

export interface FindGatewaysOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'meshId' | 'peers' | 'reach'>;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Other networks than the machine's, for tests. */
  readonly network?: Pick<LocalNetworkOptions, 'port' | 'interfaces'>;
  /** How long to listen when nobody is heard. */
  readonly waitMs: number;
}

export interface FoundGateway {
  readonly claim: GatewayClaim;
  readonly isOwnMesh: boolean;
  /** Of this mesh, and proven to be who it says. */
  readonly isConnected: boolean;
  /** Why it is not, where it is of this mesh. */
  readonly problem?: unknown;
}

/** Each once, as it is heard. Ends a moment after the last one, or when nobody was heard in time. */
export async function* findGateways(options: FindGatewaysOptions, signal: AbortSignal): AsyncGenerator<FoundGateway> {
  const { mesh, clock, logger, waitMs, network: where = {} } = options;
  using network = new LocalNetwork({ clock, logger, ...where });
  using browser = new Browser(network, GATEWAY_SERVICE);
  const turns = new Turns(mesh.nodeId);
  const endMs = clock.monotonicMs() + waitMs;
  let untilMs = endMs;
  while (!signal.aborted) {
    const claims = browser.services().flatMap((service) => readGateway(service) ?? []);
    const fresh = turns.next(claims);
    if (fresh !== undefined) {
      const found = await connectTo(fresh, options, signal);
      turns.note(found);
      yield found;
      untilMs = Math.min(endMs, clock.monotonicMs() + PACKAGE_LIMITS.gatewaySettleMs);
      continue;
    }
    const leftMs = untilMs - clock.monotonicMs();
    if (leftMs <= 0) return;
    await nextNews(browser, clock, leftMs, signal);
  }
}

/**
 * Whose turn it is. Anybody can claim to be anybody: a claim that was not proven takes nothing from who claims the same from elsewhere,
 * and one address that claims much waits behind others that claim little.
 */
export class Turns {
  readonly #own: NodeId;
  readonly #told = new Set<string>();
  readonly #done = new Set<NodeId>();
  readonly #askedAt = new Map<string, number>();
  #asked = 0;

  constructor(own: NodeId) {
    this.#own = own;
  }

  next(claims: readonly GatewayClaim[]): GatewayClaim | undefined {
    if (this.#asked >= PACKAGE_LIMITS.gatewaysAsked) return undefined;
    const left = claims.filter(
      (claim) => claim.nodeId !== this.#own && !this.#done.has(claim.nodeId) && !this.#told.has(keyOf(claim)),
    );
    const turnOf = ({ address }: GatewayClaim) => this.#askedAt.get(address) ?? 0;
    return left.reduce<GatewayClaim | undefined>(
      (best, claim) => (best === undefined || turnOf(claim) < turnOf(best) ? claim : best),
      undefined,
    );
  }

  note({ claim, isOwnMesh, isConnected }: FoundGateway): void {
    this.#told.add(keyOf(claim));
    if (isConnected) this.#done.add(claim.nodeId);
    if (!isOwnMesh) return;
    this.#asked += 1;
    this.#askedAt.set(claim.address, (this.#askedAt.get(claim.address) ?? 0) + 1);
  }
}

function keyOf({ nodeId, address, meshPort, meshMark: mark }: GatewayClaim): string {
  return [nodeId, address, meshPort, mark].join(' ');
}

/** Only at the address that the words came from: a claim leads nowhere else. */
async function connectTo(
  claim: GatewayClaim,
  { mesh }: FindGatewaysOptions,
  signal: AbortSignal,
): Promise<FoundGateway> {
  const isOwnMesh = claim.meshMark === meshMark(mesh.meshId);
  if (!isOwnMesh) return { claim, isOwnMesh, isConnected: false };
  if (mesh.peers().includes(claim.nodeId)) return { claim, isOwnMesh, isConnected: true };
  const addresses = claim.meshPort === undefined ? [] : [`/ip4/${claim.address}/tcp/${claim.meshPort}`];
  const ends = AbortSignal.any([signal, AbortSignal.timeout(PACKAGE_LIMITS.gatewayConnectMs)]);
  try {
    await mesh.reach(claim.nodeId, addresses, ends);
    return { claim, isOwnMesh, isConnected: true };
  } catch (problem) {
    return { claim, isOwnMesh, isConnected: false, problem };
  }
}

function nextNews(browser: Browser, clock: Clock, patienceMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      stop();
      cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const stop = browser.events.on(end);
    const cancel = clock.after(patienceMs, end);
    signal.addEventListener('abort', end, { once: true });
  });
}
