/** The control API of a node: the use-cases of every area. */
import type { ControlHandlers } from '../../api/index.ts';
import { oversightControl } from '../open-oversight.ts';
import { deploymentControl } from './deployment-control.ts';
import { limitsControl } from './limits-control.ts';
import { manifestControl } from './manifest-control.ts';
import { meshControl } from './mesh-control.ts';
import { modelControl } from './model-control.ts';
import { modelRegistryControl } from './model-registry-control.ts';
import { packageControl } from './package-control.ts';
import { packageMeshControl } from './package-mesh-control.ts';
import { packageSourceControl } from './package-source-control.ts';
import type { NodeParts } from './parts.ts';
import { rolloutControl } from './rollout-control.ts';
import { rulesControl } from './rules-control.ts';
import { statusControl } from './status-control.ts';
import { transferControl } from './transfer-control.ts';

export function controlHandlers(parts: NodeParts): ControlHandlers {
  return {
    ...statusControl(parts),
    ...meshControl(parts),
    ...modelControl(parts),
    ...modelRegistryControl(parts),
    ...manifestControl(parts),
    ...transferControl(parts),
    ...limitsControl(parts),
    ...deploymentControl(parts),
    ...rolloutControl(parts, parts.deployment.manifests),
    ...rulesControl(parts),
    ...oversightControl(parts),
    ...packageControl(parts),
    ...packageMeshControl(parts),
    ...packageSourceControl(parts),
  };
}
