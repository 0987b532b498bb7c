/** `node orphan-parent-child.ts FILE`: a node that tries a model and is killed meanwhile. */
import { OnnxProbe } from '../index.ts';

const manifest = { model_id: 'hangs', version: '1', format: 'onnx', config: {}, metadata: {} };
const request = { manifest, path: process.argv[2] ?? '' } as unknown as Parameters<OnnxProbe['probe']>[0];
await new OnnxProbe().probe(request, new AbortController().signal);
