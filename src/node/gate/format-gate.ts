/**
 * The format gate of this node: the files as they lie here, the rights of whoever vouches for the model, and what the owner allows.
 * Asked before a model is loaded, whoever wants it loaded, and never before it is fetched or imported: bytes at rest run nothing.
 * Spec: docs/spec/17-deployment.md §8.
 */
import { messageOf, type NodeId } from '../../core/index.ts';
import { type GateFile, planGate, type Refusal } from '../../deploy/index.ts';
import type { ModelManifest } from '../../protocol/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import { isCodePermitted, type OrderContext } from '../../trust/index.ts';
import { type InspectedFile, inspectFiles } from './inspect-files.ts';

export interface FormatGateOptions {
  readonly library: { list(): readonly LocalModel[] };
  readonly nodeId: NodeId;
  readonly orderContext: () => OrderContext;
  readonly allowsCode: boolean;
}

export class FormatGate {
  readonly #options: FormatGateOptions;

  constructor(options: FormatGateOptions) {
    this.#options = options;
  }

  /** Every reason against loading what is here of this manifest; none is yes. Throws the signal's reason. */
  async judge(manifest: ModelManifest, author: NodeId | undefined, signal: AbortSignal): Promise<readonly Refusal[]> {
    const model = this.#find(manifest);
    if (model === undefined)
      return [{ code: 'not_here', message: `${manifest.model_id}@${manifest.version} is not on this machine` }];
    try {
      return this.decide(manifest, author, await inspectFiles(model.files, signal));
    } catch (thrown) {
      signal.throwIfAborted();
      return [{ code: 'format_unread', message: `its files could not be read: ${messageOf(thrown)}` }];
    }
  }

  /** The same for files that were looked at already. `author`: whoever ordered it, or this node's owner. */
  decide(
    manifest: { readonly model_id: string; readonly signature?: ModelManifest['signature'] },
    author: string | undefined,
    files: readonly InspectedFile[],
  ): readonly Refusal[] {
    const { nodeId, orderContext, allowsCode } = this.#options;
    const context = orderContext();
    return planGate({
      files: files.map(toGateFile),
      signerMayShipCode: isCodePermitted({ author: author ?? nodeId, manifest }, context),
      nodeAllowsCode: allowsCode,
    });
  }

  #find({ model_id, version, sha256 }: ModelManifest): LocalModel | undefined {
    const rows = this.#options.library.list().filter((row) => row.modelId === model_id && row.version === version);
    return rows.find((row) => row.sha256 === sha256);
  }
}

function toGateFile({ path, inspection }: InspectedFile): GateFile {
  const { isSafe, reasons, pickle } = inspection;
  return { path, isSafe, reasons, imports: pickle.imports, faults: pickle.faults };
}
