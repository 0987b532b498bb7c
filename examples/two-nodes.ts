/** Two whole nodes in one program: one has a model, the other joins its mesh by a code and pulls it, verified. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AtmosphereNode, type NodeEvent } from 'atmosphere-mesh';
import { temporaryFolder, writeTinyModel } from './support/tiny-model.ts';

await using folder = await temporaryFolder();
// Any free ports, no look at this machine's own models, no announcement on the LAN: fit for an example.
const quiet = { httpHost: '127.0.0.1', httpPort: 0, meshPort: 0, agentPort: 0, mdns: false, scanDefaults: false };
await using workshop = new AtmosphereNode({ ...quiet, home: join(folder.path, 'workshop'), name: 'workshop' });
await using laptop = new AtmosphereNode({ ...quiet, home: join(folder.path, 'laptop'), name: 'laptop' });
await Promise.all([workshop.start(), laptop.start()]);
console.log(`workshop serves at ${workshop.ready.http}, laptop at ${laptop.ready.http}`);

const file = join(folder.path, 'models', 'tiny.safetensors');
await mkdir(join(folder.path, 'models'));
await writeTinyModel(file, 8_000_000);
const [imported] = await workshop.importModel(file, { name: 'acme/tiny', version: '1.0.0' });
console.log(`workshop has ${imported?.model_id} ${imported?.version}, SHA-256 ${imported?.sha256}`);

const arrived = nextEvent(
  laptop,
  (event) => event.type === 'catalog' && laptop.catalog.getModel('acme/tiny') !== undefined,
);
const { code } = await workshop.invite();
const { name, role } = await laptop.join(code);
console.log(`laptop joined the mesh “${name}” as a ${role}`);
await arrived;

const pulled = await laptop.pull('acme/tiny', {
  from: 'workshop',
  onProgress: ({ event, progress_percent }) => console.log(`  ${event}: ${progress_percent} %`),
});
console.log(
  `laptop has it at ${pulled.path.replace(folder.path, '…')}, ${pulled.size_bytes} bytes, same digest: ${pulled.sha256 === imported?.sha256}`,
);
for (const row of await laptop.models()) console.log(`${row.model_id}@${row.version} is on ${row.nodes.join(', ')}`);

function nextEvent(node: AtmosphereNode, isWanted: (event: NodeEvent) => boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = node.events.on((event) => {
      if (!isWanted(event)) return;
      stop();
      resolve();
    });
  });
}
