import { afterEach, beforeEach, expect, it } from 'vitest';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { packPackage } from '../../testkit/packages.ts';
import { LINE, linePackage, PackageBench, type PackageProcess } from './install.fixture.ts';

let bench: PackageBench;
let node: PackageProcess;

beforeEach(async () => {
  bench = new PackageBench();
  node = await bench.start();
});
afterEach(async () => {
  await node.end();
  await bench[Symbol.asyncDispose]();
});

it('a mesh that is trusted for packages of its own does not get one of ours, unless the owner says so', async () => {
  await node.import(await bench.pack(linePackage('1.0')));
  const other = makeTestMesh('other', bench.clock.nowMs());
  node.trust.addMesh(other.authority.id, 'partner');
  const { manifest, files } = packPackage({ mesh: other, ...linePackage('99.0') });
  expect(() => node.trust.verify(manifest)).toThrow(expect.objectContaining({ code: 'other_mesh' }));
  const before = await bench.state();
  await expect(node.import(await bench.open(files))).rejects.toMatchObject({ code: 'other_mesh' });
  expect(await bench.state()).toEqual(before);
  await node.import(await bench.open(files), { mayChangeMesh: true });
  expect(node.shelf.get(LINE)?.current).toMatchObject({ version: '99.0', meshId: other.authority.id });
  expect(bench.audited.at(-1)).toMatchObject({ event: 'install', installed_mesh: bench.mesh.authority.id });
  expect(node.trust.verify(manifest)).toMatchObject({ meshId: other.authority.id });
});
