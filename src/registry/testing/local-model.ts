import { createHash } from 'node:crypto';
import type { ModelId, PieceRoot, Sha256 } from '../../core/index.ts';
import type { LocalModel } from '../index.ts';

export function digestOf(text: string): Sha256 {
  return createHash('sha256').update(text).digest('hex') as Sha256;
}

/** A model of one file, each number another. */
export function localModel(number: number, change: Partial<LocalModel> = {}): LocalModel {
  const sha256 = digestOf(`model ${number}`);
  return {
    modelId: `org/model-${number}` as ModelId,
    version: '1.0.0',
    name: `model-${number}`,
    type: 'llm',
    format: 'gguf',
    sizeBytes: 1000 + number,
    sha256,
    source: 'huggingface',
    sourceRef: `org/model-${number}`,
    state: 'ready',
    unsafe: false,
    public: false,
    description: { capabilities: ['chat'], quantization: 'Q4_K_M', context_length: 8192 },
    files: [
      {
        path: 'model.gguf',
        absolutePath: `/models/${number}/model.gguf`,
        sizeBytes: 1000 + number,
        sha256,
        pieceRoot: digestOf(`root ${number}`) as string as PieceRoot,
        fingerprint: { mtimeNs: 1_780_000_000_123_456_789n, inode: 18_446_744_073_709_551_615n, device: 66_305n },
      },
    ],
    ...change,
  };
}
