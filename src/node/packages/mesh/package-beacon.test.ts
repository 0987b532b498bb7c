import { describe, it, type TestContext } from 'vitest';
import { Emitter, type MeshId, type NodeId, silentLogger, systemClock } from '../../../core/index.ts';
import { freePort, LOOPBACK } from '../../../lan/lan.fixture.ts';
import type { MembershipEvent } from '../../../mesh/index.ts';
import type { ModelEntry } from '../../../protocol/index.ts';
import { makeTestMesh } from '../../../testkit/mesh-members.ts';
import { type FoundGateway, findGateways, Turns } from './find-gateways.ts';
import { meshMark } from './gateway-claim.ts';
import { OfferBook } from './offer-book.ts';
import { PackageBeacon } from './package-beacon.ts';

const site = makeTestMesh('site');
const gateway = site.member('gateway');
const edge = site.member('edge');

/** What a beacon and a search need of a mesh. */
class Mesh {
  readonly membershipEvents = new Emitter<MembershipEvent>();
  readonly reached: (readonly [NodeId, readonly string[]])[] = [];
  readonly nodeId: NodeId;
  readonly meshId: MeshId;
  role: string;
  connected: NodeId[] = [];
  refusal: Error | undefined;

  constructor({ nodeId, meshId }: { readonly nodeId: NodeId; readonly meshId: MeshId }, role = 'edge') {
    [this.nodeId, this.meshId, this.role] = [nodeId, meshId, role];
  }

  addresses(): string[] {
    return ['/ip4/127.0.0.1/tcp/14346', '/ip4/127.0.0.1/tcp/14347/ws'];
  }

  peers(): NodeId[] {
    return this.connected;
  }

  async reach(nodeId: NodeId, addresses: readonly string[]): Promise<void> {
    this.reached.push([nodeId, addresses]);
    if (this.refusal !== undefined) throw this.refusal;
  }

  become(role: string): void {
    this.role = role;
    this.membershipEvents.emit({ type: 'changed', identity: gateway });
  }
}

async function show({ onTestFinished }: TestContext, mesh: Mesh, always = false) {
  const port = await freePort();
  const network = { port, interfaces: () => [LOOPBACK] };
  const book = new OfferBook();
  const around = { mesh, book, name: 'gateway-01', httpPort: 14345, always, network };
  const beacon = new PackageBeacon({ ...around, clock: systemClock, logger: silentLogger });
  onTestFinished(() => beacon[Symbol.asyncDispose]());
  const find = async (asking: Mesh, waitMs = 5000): Promise<FoundGateway[]> => {
    const found: FoundGateway[] = [];
    const options = { mesh: asking, clock: systemClock, logger: silentLogger, network, waitMs };
    for await (const one of findGateways(options, AbortSignal.timeout(10_000))) found.push(one);
    return found;
  };
  return { beacon, book, find };
}

function offered(id: string, version: string) {
  return { entry: { model_id: id, version } as ModelEntry, files: [] };
}

describe.concurrent('a gateway in the local network', () => {
  it('is found with its packages, and connected to where its words came from', async (test) => {
    const { book, find } = await show(test, new Mesh(gateway, 'gateway'));
    book.replace([offered('line', '1.3'), offered('line', '1.3'), offered('line', '1.10'), offered('a', '2')]);
    const mesh = new Mesh(edge);
    const [found, ...others] = await find(mesh);
    const { expect } = test;
    expect(others).toEqual([]);
    expect(found).toMatchObject({ isOwnMesh: true, isConnected: true });
    expect(found?.claim.packages).toEqual([
      { id: 'a', version: '2' },
      { id: 'line', version: '1.10' },
    ]);
    expect(mesh.reached).toEqual([[gateway.nodeId, ['/ip4/127.0.0.1/tcp/14346']]]);
  });

  it('that is connected already is not dialled, and one of another mesh never', async (test) => {
    const { find } = await show(test, new Mesh(gateway, 'gateway'));
    const mesh = new Mesh(edge);
    mesh.connected = [gateway.nodeId];
    const stranger = new Mesh(makeTestMesh('other').member('stranger'));
    const [[known], [foreign]] = await Promise.all([find(mesh), find(stranger)]);
    const { expect } = test;
    expect([known?.isConnected, mesh.reached]).toEqual([true, []]);
    expect([foreign?.isOwnMesh, foreign?.isConnected, stranger.reached]).toEqual([false, false, []]);
  });

  it('that cannot prove who it is, is found and not connected', async (test) => {
    const { find } = await show(test, new Mesh(gateway, 'gateway'));
    const mesh = new Mesh(edge);
    mesh.refusal = new Error('it has no certificate');
    test.expect(await find(mesh)).toMatchObject([{ isOwnMesh: true, isConnected: false, problem: mesh.refusal }]);
  });

  it('is found behind somebody who claims to be it, and who claims much', async (test) => {
    const { expect } = test;
    const claimOf = (nodeId: NodeId, address: string, meshPort: number) => ({
      ...{ nodeId, address, meshPort, meshMark: meshMark(gateway.meshId), name: 'x', httpPort: 1 },
      ...{ packages: [], packageCount: 0 },
    });
    const others = Array.from({ length: 20 }, (_, index) => site.member(`n${index}`).nodeId);
    const claims = [gateway.nodeId, ...others].map((nodeId) => claimOf(nodeId, '10.0.0.66', 1));
    claims.push(claimOf(gateway.nodeId, '10.0.0.5', 14346));
    const turns = new Turns(edge.nodeId);
    const asked = [];
    for (let claim = turns.next(claims); claim !== undefined; claim = turns.next(claims)) {
      const isConnected = claim.address === '10.0.0.5';
      asked.push(`${claim.nodeId === gateway.nodeId ? 'gateway' : 'another'} at ${claim.address}`);
      turns.note({ claim, isOwnMesh: true, isConnected });
    }
    expect(asked.slice(0, 2)).toEqual(['gateway at 10.0.0.66', 'gateway at 10.0.0.5']);
    expect(asked).toHaveLength(16);
  });

  it('is shown by its role alone, or when its owner wants it; any other node shows nothing', async (test) => {
    const mesh = new Mesh(gateway, 'edge');
    const { beacon, find } = await show(test, mesh);
    const { expect } = test;
    expect([beacon.instance, await find(new Mesh(edge), 300)]).toEqual([undefined, []]);
    mesh.become('gateway');
    expect([beacon.instance, (await find(new Mesh(edge))).length]).toEqual(['gateway-01', 1]);
    mesh.become('edge');
    expect(beacon.instance).toBeUndefined();
    const wanted = await show(test, new Mesh(gateway, 'edge'), true);
    expect(wanted.beacon.instance).toBe('gateway-01');
  });
});
