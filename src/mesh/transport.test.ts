import { describe } from 'vitest';
import { silentLogger, systemClock } from '../core/index.ts';
import type { RefusalReason } from '../protocol/index.ts';
import { eventually, nextTurn } from '../testkit/eventually.ts';
import { makeTestMesh } from '../testkit/mesh-members.ts';
import { VirtualClock } from '../testkit/virtual-clock.ts';
import { Libp2pTransport } from './libp2p/libp2p-transport.ts';
import { createMemoryNetwork } from './memory-network.ts';
import { type ConformanceNetwork, type ConformanceNode, testTransport } from './transport.conformance.ts';
import type { AdmissionGate, MeshTransport } from './transport.ts';

/** A gate that admits by what the other says, so that the transport alone is tested. */
class SayingGate implements AdmissionGate {
  refusal: RefusalReason | undefined;

  hello(): unknown {
    return { refuse_me: this.refusal ?? null };
  }

  check(_from: string, hello: unknown): RefusalReason | undefined {
    const { refuse_me, type, reason } = (hello ?? {}) as Record<string, RefusalReason | null>;
    return (type as string) === 'refusal' ? (reason ?? 'malformed') : (refuse_me ?? undefined);
  }
}

abstract class Network implements ConformanceNetwork {
  readonly #mesh = makeTestMesh('transport');
  readonly #started: MeshTransport[] = [];

  async start(): Promise<ConformanceNode> {
    const gate = new SayingGate();
    const transport = this.make(this.#mesh.member(`n${this.#started.length}`), gate);
    this.#started.push(transport);
    await transport.start();
    return Object.assign(gate, { transport });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#started.map((transport) => transport.stop()));
  }

  abstract make(identity: ReturnType<ReturnType<typeof makeTestMesh>['member']>, gate: AdmissionGate): MeshTransport;
  abstract until(done: () => boolean): Promise<void>;
  abstract run<Result>(work: Promise<Result>): Promise<Result>;
}

class OverMemory extends Network {
  readonly #clock = new VirtualClock();
  readonly #network = createMemoryNetwork({ clock: this.#clock, latencyMs: 10 });

  override make(identity: Parameters<Network['make']>[0], gate: AdmissionGate): MeshTransport {
    return this.#network.createTransport(identity.nodeId, gate);
  }

  override async until(done: () => boolean): Promise<void> {
    for (let round = 0; round < 100 && !done(); round += 1) await this.#clock.advance(10);
    if (!done()) throw new Error('the network has settled without it');
  }

  override async run<Result>(work: Promise<Result>): Promise<Result> {
    let settled = false;
    const watched = work.finally(() => {
      settled = true;
    });
    watched.catch(() => {});
    await this.#clock.advance(0);
    for (let round = 0; round < 100 && !settled; round += 1) await this.#clock.advance(10);
    return watched;
  }
}

class OverLibp2p extends Network {
  override make(identity: Parameters<Network['make']>[0], gate: AdmissionGate): MeshTransport {
    const listen = ['/ip4/127.0.0.1/tcp/0'];
    const more = { mdns: false, relayServer: false, clock: systemClock, logger: silentLogger };
    return new Libp2pTransport({ identity, gate, listen, ...more });
  }

  override async until(done: () => boolean): Promise<void> {
    await eventually(() => nextTurn().then(done), Boolean);
  }

  override run<Result>(work: Promise<Result>): Promise<Result> {
    return work;
  }
}

describe('the memory transport', () => testTransport(() => new OverMemory()));
describe('the libp2p transport', () => testTransport(() => new OverLibp2p()));
