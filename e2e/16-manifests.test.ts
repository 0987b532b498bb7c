/** Journey 16: a model is described by its owner, and the mesh goes by it; in either public vocabulary. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { KiB } from '../src/core/index.ts';
import { eventually } from '../src/testkit/eventually.ts';
import { writeGgufFile } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { listModels, sha256Of, startMesh } from './journeys.ts';

interface Manifest {
  readonly model_id: string;
  readonly version: string;
  readonly license?: string;
  readonly model_type?: string;
  readonly needs?: Record<string, unknown>;
  readonly deployment?: Record<string, unknown>;
  readonly signature?: { readonly signer: string };
  readonly [field: string]: unknown;
}

let network: DevNetwork;
let workshop: DevNode;
let edge: DevNode;
let model: string;

beforeAll(async () => {
  network = await DevNetwork.open();
  model = join(network.folder, 'detector.gguf');
  await writeGgufFile(model, { sizeBytes: 256 * KiB, seed: 'detector' });
  // Whoever describes models has an editor.
  const env = { EDITOR: 'sed -i -e "s/^license:.*/license: MIT/" -e "s/^needs:/license: MIT\\nneeds:/"' };
  const [first, second] = [network.node('workshop', { env }), network.node('edge')];
  await startMesh(network, ['workshop', 'edge']);
  [workshop, edge] = [first, second];
  await workshop.json('model', 'import', model, '--name', 'acme/detector', '--version', '1.10');
});
afterAll(() => network.close());

const manifestAt = (node: DevNode, name = 'acme/detector') => node.json<Manifest>('model', 'manifest', name);
/** What the node shows, as soon as it is so. */
const seenAt = (node: DevNode, is: (manifest: Manifest) => boolean, name?: string) =>
  eventually(
    () => manifestAt(node, name).catch(() => undefined),
    (manifest) => manifest !== undefined && is(manifest),
  );

test('16.1 what is imported has a manifest, signed, that others see without having the model', async () => {
  const seen = await seenAt(edge, ({ signature }) => signature !== undefined);
  expect(seen).toMatchObject({ model_id: 'acme/detector', version: '1.10', format: 'gguf' });
  expect(seen).toEqual(await manifestAt(workshop));
});

test('16.2 the owner edits it, and others go by it; a restart and a scan change nothing', async () => {
  const edited = await workshop.run('model', 'manifest', 'acme/detector', '--edit');
  expect(edited).toMatchObject({ code: 0, stdout: expect.stringContaining('license: MIT') });
  expect((await seenAt(edge, ({ license }) => license === 'MIT'))?.license).toBe('MIT');
  await workshop.stop();
  await workshop.up();
  await workshop.run('model', 'scan');
  expect((await manifestAt(workshop)).license).toBe('MIT');
});

test('16.3 either vocabulary gives it back as it was, as YAML and as JSON', async () => {
  const before = await manifestAt(workshop);
  for (const format of ['seed1', 'seed3']) {
    const file = join(network.folder, `${format}.yaml`);
    const yaml = await workshop.run('model', 'manifest', 'acme/detector', '--format', format);
    await writeFile(file, yaml.stdout);
    await workshop.json('model', 'manifest', 'acme/detector', '--set', file, '--whole');
    const { revision: _r, signature: _s, ...after } = await manifestAt(workshop);
    expect(before).toMatchObject(after);
    const json = await workshop.json<Manifest>('model', 'manifest', 'acme/detector', '--format', format);
    expect(json).toHaveProperty(format === 'seed1' ? 'checksum_sha256' : 'requirements');
  }
});

test('16.4 mistakes are told with their lines, and nothing that was written is lost', async () => {
  const file = join(network.folder, 'wrong.yaml');
  const yaml = (await workshop.run('model', 'manifest', 'acme/detector', '--format', 'seed1')).stdout;
  await writeFile(
    file,
    yaml.replace(/min_memory_mb: \d+/, 'min_memory_mb: 4 GB').replace(/^size_bytes:.*/m, 'size_bytes: 1'),
  );
  const wrong = await workshop.run('model', 'manifest', 'acme/detector', '--set', file);
  expect(wrong).toMatchObject({ code: 2, stdout: '' });
  expect(wrong.stderr).toMatch(/line \d+, node_requirements\.min_memory_mb: /);
  await writeFile(file, yaml.replace(/^size_bytes:.*/m, 'size_bytes: 1'));
  const lie = await workshop.run('model', 'manifest', 'acme/detector', '--set', file);
  expect([lie.code, lie.stderr]).toEqual([4, expect.stringContaining('size_bytes 1')]);
  expect(await manifestAt(workshop)).toMatchObject({ license: 'MIT' });
});

test('16.5 an import goes by the manifest beside it, and a digest that is wrong undoes it', async () => {
  const folder = join(network.folder, 'trained');
  await workshop.run('model', 'manifest', 'acme/detector');
  await writeGgufFile(join(folder, 'network.gguf'), { sizeBytes: 64 * KiB, seed: 'trained' });
  const path = join(folder, 'network.gguf');
  const yaml = (digest: string, size: number) =>
    [
      ...['name: network-anomaly-detector', 'version: 1.0.0', 'type: anomaly_detector', 'file: network.gguf'],
      ...['format: gguf', `size_bytes: ${size}`, `checksum_sha256: ${digest}`, 'parent_model: acme/detector@1.10'],
      ...['capabilities: [anomaly_detection]', 'node_requirements: {min_memory_mb: 512, architectures: [arm64]}'],
      ...['deployment: {priority: high, roles: [edge]}', ''],
    ].join('\n');
  const { length } = await readFile(path);
  await writeFile(join(folder, 'model-manifest.yaml'), yaml('e'.repeat(64), length));
  const refused = await workshop.run('model', 'import', path);
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('sha256')]);
  expect((await listModels(workshop)).map(({ model_id }) => model_id)).toEqual(['acme/detector']);
  await writeFile(join(folder, 'model-manifest.yaml'), yaml(await sha256Of(path), length));
  const row = await workshop.json('model', 'import', path);
  expect(row).toMatchObject({ model_id: 'network-anomaly-detector', version: '1.0.0', type: 'anomaly_detector' });
  await writeFile(join(folder, 'model-manifest.yaml'), yaml('e'.repeat(64), length));
  expect((await workshop.run('model', 'import', path)).code).toBe(4);
  const name = 'network-anomaly-detector';
  expect((await listModels(workshop)).find(({ model_id }) => model_id === name)?.state).toBe('ready');
  const seen = await seenAt(edge, ({ deployment }) => deployment?.priority === 'high', name);
  expect(seen).toMatchObject({
    needs: { min_memory_mb: 512, architectures: ['arm64'] },
    parent_model: 'acme/detector@1.10',
  });
  expect((await edge.run('model', 'manifest', name)).stderr).toContain('made from acme/detector@1.10');
});

test('16.6 one who may not write can say nothing of it, and what is taken back is shown as that', async () => {
  const refused = await edge.run('model', 'manifest', 'acme/detector', '--withdraw');
  expect([refused.code, refused.stderr]).toEqual([6, expect.stringContaining('may not')]);
  await workshop.json('model', 'manifest', 'acme/detector', '--withdraw');
  expect((await seenAt(edge, ({ withdrawn }) => withdrawn === true))?.withdrawn).toBe(true);
  const pushed = await workshop.run('model', 'push', 'acme/detector', 'edge');
  expect([pushed.code, pushed.stderr]).toEqual([6, expect.stringContaining('withdrawn')]);
});
