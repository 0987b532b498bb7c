/** The merged catalog by itself: feed it with what nodes say, ask it what there is and whom to get it from. */
import { ModelCatalog } from 'atmosphere-mesh';

/** A `model_catalog` message, as any node sends it. */
function messageOf(nodeId: string, http: string, sha256: string) {
  return {
    type: 'model_catalog',
    node_id: nodeId,
    node_name: nodeId,
    timestamp: Date.now(),
    models: [
      {
        model_id: 'yolov8n-test',
        name: 'Test Model',
        type: 'vision',
        format: 'pt',
        size_bytes: 6_234_567,
        sha256,
        version: '1.0.0',
        capabilities: ['object_detection'],
        source: 'huggingface',
        source_ref: 'ultralytics/yolov8n',
      },
      // What is not well-formed costs itself alone, and never the message it came in.
      { model_id: '../../etc/passwd', sha256: 'unknown' },
    ],
    transfer_endpoints: { http, websocket: true },
    ttl_seconds: 300,
  };
}

const catalog = new ModelCatalog();
catalog.events.on((event) => console.log('event:', JSON.stringify(event)));

const digest = '8ad69c9da0a9cb06f2e92d6c0ac4e67d4e3a3a4f4c1b9d2a6b7f0c5d1e2f3a4b';
catalog.processCatalogMessage('test-node', 'Test Node', messageOf('test-node', 'http://192.168.1.10:14345', digest));
catalog.processCatalogMessage('camera-7', 'Camera 7', messageOf('camera-7', 'http://192.168.1.11:14345', digest));
// Somebody gives the same name to other bytes: another variant, never mixed with the first.
const other = digest.replaceAll('8', '9');
catalog.processCatalogMessage('stranger', 'Stranger', messageOf('stranger', 'http://192.168.1.66:14345', other));

const [variant] = catalog.getModelsByType('vision').filter(({ sha256 }) => sha256 === digest);
if (variant === undefined) throw new Error('the catalog lost a model');
console.log(`${variant.modelId} ${variant.version}: ${variant.sizeBytes} bytes on ${variant.nodes.length} nodes`);
console.log('variants of that name:', catalog.getModel('yolov8n-test')?.variants.length);

// What was measured of each peer decides among those that are equally near.
const measured = new Map([
  ['test-node', { successes: 2, failures: 5, corruptions: 0 }],
  ['camera-7', { successes: 9, failures: 0, corruptions: 0, latencyMs: 3 }],
]);
const best = catalog.getBestPeer(variant, { statsOf: (nodeId) => measured.get(nodeId) });
console.log(`best peer: ${best?.name} at ${best?.endpoints.http[0]}`);
console.log('stats:', JSON.stringify(catalog.getStats()));
catalog.close();
