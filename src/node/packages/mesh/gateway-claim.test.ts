import { describe, expect, it } from 'vitest';
import type { MeshId } from '../../../core/index.ts';
import type { LanService } from '../../../lan/index.ts';
import { toTxt } from '../../../lan/index.ts';
import { makeTestMesh } from '../../../testkit/mesh-members.ts';
import { type GatewayFacts, meshMark, readGateway, toService } from './gateway-claim.ts';

const { nodeId, meshId } = makeTestMesh('lan').member('gateway');

function facts(change: Partial<GatewayFacts> = {}): GatewayFacts {
  const packages = [{ id: 'line', version: '1.3' }];
  return { nodeId, meshId, name: 'gateway-01', httpPort: 14345, meshPort: 14346, packages, ...change };
}

function heard(txt: readonly (readonly [string, string])[], change: Partial<LanService> = {}): LanService {
  return { instance: 'gateway-01', address: '10.0.0.7', port: 14345, txt: new Map(txt), ...change };
}

describe('a gateway on the local network', () => {
  it('is read as it is shown, at the address that the words came from', () => {
    const { instance, port, txt } = toService(facts());
    expect(readGateway(heard(txt, { instance, port }))).toEqual({
      ...{ nodeId, meshMark: meshMark(meshId), name: 'gateway-01', address: '10.0.0.7', httpPort: 14345 },
      ...{ meshPort: 14346, packages: [{ id: 'line', version: '1.3' }], packageCount: 1 },
    });
  });

  it('does not show the id of its mesh', () => {
    expect(JSON.stringify(toService(facts()))).not.toContain(meshId);
    expect(meshMark('mesh_other' as MeshId)).not.toBe(meshMark(meshId));
  });

  it('with more packages than there is room for counts them all', () => {
    const packages = Array.from({ length: 300 }, (_, at) => ({ id: `line-${at}`, version: '1.3' }));
    const { txt } = toService(facts({ packages }));
    const shown = toTxt(txt).map((entry): [string, string] => {
      const [key = '', ...rest] = entry.toString().split('=');
      return [key, rest.join('=')];
    });
    const claim = readGateway(heard(shown));
    expect(claim?.packageCount).toBe(300);
    expect(claim?.packages.length).toBeGreaterThan(50);
    expect(claim?.packages.length).toBeLessThan(300);
  });

  it.each<[string, [string, string][]]>([
    [
      'no version of the format',
      [
        ['node', nodeId],
        ['mesh', meshMark(meshId)],
      ],
    ],
    [
      'another version',
      [
        ['v', '2'],
        ['node', nodeId],
        ['mesh', meshMark(meshId)],
      ],
    ],
    [
      'no node id',
      [
        ['v', '1'],
        ['node', '../../x'],
        ['mesh', meshMark(meshId)],
      ],
    ],
    [
      'a mesh mark of another form',
      [
        ['v', '1'],
        ['node', nodeId],
        ['mesh', 'x'.repeat(16)],
      ],
    ],
  ])('is none with %s', (_what, txt) => expect(readGateway(heard(txt))).toBeUndefined());

  it('with names and ports that cannot be is read without them', () => {
    const base: [string, string][] = [
      ['v', '1'],
      ['node', nodeId],
      ['mesh', meshMark(meshId)],
    ];
    const claim = readGateway(
      heard([
        ...base,
        ['mesh_port', '70000'],
        ['p1', '../x@1'],
        ['p2', 'line'],
        ['p3', 'line@..'],
        ['p4', '@'],
        ['packages', '-1'],
      ]),
    );
    expect(claim).toMatchObject({ meshPort: undefined, packages: [], packageCount: 0 });
  });
});
