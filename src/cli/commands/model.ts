import type { GroupSpec } from '../command.ts';
import { modelDeploy } from './model-deploy.ts';
import { modelDeprecate } from './model-deprecate.ts';
import { modelImport } from './model-import.ts';
import { modelInfo } from './model-info.ts';
import { modelInspect } from './model-inspect.ts';
import { modelList } from './model-list.ts';
import { modelManifest } from './model-manifest.ts';
import { modelPath } from './model-path.ts';
import { modelPin } from './model-pin.ts';
import { modelPull } from './model-pull.ts';
import { modelPush } from './model-push.ts';
import { modelRemove } from './model-remove.ts';
import { modelScan } from './model-scan.ts';
import { modelShare } from './model-share.ts';
import { modelSign } from './model-sign.ts';
import { modelStatus } from './model-status.ts';
import { modelUndeploy } from './model-undeploy.ts';
import { modelUnpin } from './model-unpin.ts';
import { modelVerify } from './model-verify.ts';

export const model: GroupSpec = {
  usage: 'model',
  about: 'Models: find, import, pull, describe, deploy to nodes, verify',
  examples: [
    'atmosphere model list --mesh',
    'atmosphere model pull org/llama3',
    'atmosphere model import ./m.gguf',
    'atmosphere model push org/detector --role edge',
    'atmosphere model status',
  ],
  children: [
    modelList,
    modelInfo,
    modelPull,
    modelImport,
    modelScan,
    modelShare,
    modelVerify,
    modelSign,
    modelPath,
    modelManifest,
    modelPush,
    modelDeploy,
    modelUndeploy,
    modelStatus,
    modelPin,
    modelUnpin,
    modelInspect,
    modelDeprecate,
    modelRemove,
  ],
};
