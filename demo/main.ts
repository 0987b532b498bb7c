/**
 * `npm run demo`: three nodes as real processes, real model files, one crash, one peer with rotten bytes; then a table
 * of what happened. `--keep` leaves the nodes running and says how to talk to them.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, MB } from '../src/core/index.ts';
import { writeGgufFile, writeOnnxFile, writeShardedSafetensors } from '../src/testkit/model-files.ts';
import { DevNetwork, type DevNode } from '../src/testkit/processes.ts';
import { pullWithBar } from './pull-with-bar.ts';
import { type Row, renderTable } from './report.ts';
import { killHalfWay, rotBlob } from './trouble.ts';

const GGUF_BYTES = 256 * MB;
const SAFETENSORS_BYTES = 48 * MB;
const { values: flags } = parseArgs({ options: { keep: { type: 'boolean', default: false } } });
const startedMs = performance.now();
const network = await DevNetwork.open();
let failed = false;
try {
  await tellTheStory(network);
} catch (error) {
  failed = true;
  console.error(`\ndemo: ${error instanceof Error ? error.message : error}`);
} finally {
  if (flags.keep && !failed) sayHowToGoOn(network);
  else await network.close();
}
if (flags.keep && !failed)
  await new Promise<void>((resolve) => process.once('SIGINT', resolve)).then(() => network.close());
process.exitCode = failed ? 1 : 0;

async function tellTheStory(nodes: DevNetwork): Promise<void> {
  const [workshop, gateway, edge] = [nodes.node('workshop'), nodes.node('gateway'), nodes.node('edge')];
  const rows: Row[] = [];

  say('three machines, each a process with a home of its own');
  await Promise.all([workshop.up(), gateway.up(), edge.up()]);

  say('workshop gets three models: a GGUF of 256 MB, sharded safetensors, an ONNX file');
  await importModels(nodes, workshop);
  console.log((await workshop.run('model', 'list')).stdout);

  say('the others join by an invite code');
  await workshop.json('mesh', 'init', '--name', 'demo');
  const { code } = await workshop.json<{ code: string }>('mesh', 'invite', '--uses', '2');
  console.log(`  atmosphere join ${code.slice(0, 28)}…`);
  await gateway.json('join', code);
  await edge.json('join', code);
  console.log((await workshop.run('mesh', 'nodes')).stdout);

  say('gateway pulls the GGUF and is killed (kill -9) half-way; then it goes on');
  const killed = await killHalfWay(gateway, 'demo/tiny-llama');
  console.log(`  killed with ${formatBytes(killed.heldBytes)} verified on disk; starting again`);
  await gateway.up();
  rows.push(
    await pullWithBar(gateway, 'demo/tiny-llama', {
      note: `resumed after kill -9 at ${formatBytes(killed.heldBytes)}`,
    }),
  );

  say('gateway pulls the other two');
  rows.push(await pullWithBar(gateway, 'demo/tiny-bert'));
  rows.push(await pullWithBar(gateway, 'demo/matmul'));

  say('the disk of gateway rots: one byte in each piece of its GGUF; edge pulls from both');
  await rotBlob(gateway, rows[0]?.sha256 ?? '');
  rows.push(
    await pullWithBar(edge, 'demo/tiny-llama', {
      note: 'gateway sent wrong bytes and was dropped',
      mustDrop: 'gateway',
    }),
  );
  rows.push(await pullWithBar(edge, 'demo/tiny-bert'));

  console.log(renderTable(rows));
  console.log(
    `${rows.length} pulls, every byte verified, ${((performance.now() - startedMs) / 1000).toFixed(1)} s in all`,
  );
}

async function importModels(nodes: DevNetwork, workshop: DevNode): Promise<void> {
  const folder = join(nodes.folder, 'models-on-workshop');
  await mkdir(folder, { recursive: true });
  const [gguf, bert, onnx] = ['tiny-llama.Q8_0.gguf', 'tiny-bert', 'matmul.onnx'].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  await writeGgufFile(gguf, { sizeBytes: GGUF_BYTES, seed: 1 });
  await writeShardedSafetensors(bert, { shards: 3, sizeBytes: SAFETENSORS_BYTES, seed: 2 });
  await writeOnnxFile(onnx);
  await workshop.json('model', 'import', gguf, '--name', 'demo/tiny-llama');
  await workshop.json('model', 'import', bert, '--name', 'demo/tiny-bert');
  await workshop.json('model', 'import', onnx, '--name', 'demo/matmul');
}

function say(text: string): void {
  console.log(`\n● ${text}`);
}

function sayHowToGoOn(nodes: DevNetwork): void {
  console.log('\nThe nodes are running until Ctrl-C. Talk to one of them:');
  for (const node of nodes.nodes)
    console.log(`  ./atmosphere --home ${node.home} model list --mesh   # ${node.name}, ${node.ready.http}`);
}
