/** A bridge in the life of another server: started and stopped with it, its numbers on one of its pages. */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { ModelBridge } from 'atmosphere-mesh';
import { temporaryFolder, writeTinyModel } from './support/tiny-model.ts';

await using folder = await temporaryFolder();
const models = join(folder.path, 'models', 'vision');
await mkdir(models, { recursive: true });
await writeTinyModel(join(models, 'bird-detector_20260214_101500.safetensors'), 3_000_000);

const bridge = new ModelBridge({
  llamafarmModelsDir: join(folder.path, 'models'),
  huggingfaceCacheDir: false,
  ollamaDir: false,
  httpPort: 0,
  home: join(folder.path, 'bridge'),
  nodeName: 'farm',
});
const hasModels = new Promise<void>((resolve) => {
  bridge.onCatalog(({ models }) => {
    console.log(`to be gossiped: ${models.length} models`);
    if (models.length > 0) resolve();
  });
});

// The program that was there before: it starts the bridge when it starts, and answers for it.
const app = createServer((_request, response) => {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(bridge.getStats()));
});
await bridge.start();
app.listen(0, '127.0.0.1');
await once(app, 'listening');
await hasModels;

const { port } = app.address() as AddressInfo;
const stats = (await (await fetch(`http://127.0.0.1:${port}/stats`)).json()) as ReturnType<ModelBridge['getStats']>;
console.log(`serving ${stats.totalModels} models (${stats.totalSizeGb.toFixed(3)} GB) at ${stats.url}`);

const list = (await (await fetch(`${stats.url}/v1/models`)).json()) as { data: { id: string }[] };
const id = list.data[0]?.id ?? '';
console.log('health:', await (await fetch(`${stats.url}/health`)).text());
const part = await fetch(`${stats.url}/v1/models/download/${id}`, { headers: { range: 'bytes=0-1023' } });
console.log(
  `${id}: ${part.status}, ${(await part.arrayBuffer()).byteLength} bytes, ${part.headers.get('content-range')}`,
);

// And it stops it when it stops: no socket, timer or watch stays.
app.close();
await bridge.stop();
console.log('stopped');
