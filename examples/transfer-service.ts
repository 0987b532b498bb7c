/** Downloads without a mesh: a bridge tells what it has, a catalog takes it in, a transfer service gets it. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type DownloadState, ModelBridge, ModelCatalog, ModelTransferService } from 'atmosphere-mesh';
import { temporaryFolder, writeTinyModel } from './support/tiny-model.ts';

await using folder = await temporaryFolder();
const models = join(folder.path, 'models');
await mkdir(models);
await writeTinyModel(join(models, 'tiny-classifier.safetensors'), 12_000_000);

const nowhere = { llamafarmModelsDir: false, huggingfaceCacheDir: false, ollamaDir: false } as const;
await using bridge = new ModelBridge({
  ...nowhere,
  folders: [models],
  httpPort: 0,
  home: join(folder.path, 'bridge'),
  nodeId: 'bridge-1',
  nodeName: 'Bridge',
});
const catalog = new ModelCatalog();
const heard = new Promise<void>((resolve) => {
  // In life the message travels over whatever gossip the program has; here both ends are in one process.
  bridge.onCatalog((message) => {
    catalog.processCatalogMessage(message.node_id, message.node_name, JSON.parse(JSON.stringify(message)));
    if (message.models.length > 0) resolve();
  });
});
await bridge.start();
await heard;
const [variant] = catalog.getAllModels();
if (variant === undefined) throw new Error('the bridge told of no model');
console.log(`heard of ${variant.modelId}, ${variant.sizeBytes} bytes, on ${variant.nodes[0]?.name}`);

await using service = new ModelTransferService({ catalog, folder: join(folder.path, 'downloads') });
service.downloadStates.on((states) => {
  for (const [modelId, state] of states) console.log(`  ${modelId}: ${describe(state)}`);
});
const requestId = await service.downloadModel(variant.modelId, { preferredNodeId: 'bridge-1' });
const end = await service.finished(requestId);
if (end.state !== 'Completed') throw new Error(`the download ended as ${end.state}`);

// The same content again moves nothing.
const again = await service.finished(await service.downloadModel(variant.modelId));
console.log(`asked again: ${again.state}; cancelled: ${service.cancelDownloadByModelId(variant.modelId)}`);
catalog.close();

function describe(state: DownloadState): string {
  const { progressPercent, transferRateMbps, etaSeconds } = state.progress;
  switch (state.state) {
    case 'Completed':
      return `Completed: ${state.storagePath.replace(folder.path, '…')}`;
    case 'Failed':
      return `Failed: ${state.reason} (${state.code})`;
    default:
      return `${state.state}: ${progressPercent} %, ${transferRateMbps} Mbps, ${etaSeconds ?? '?'} s left`;
  }
}
