/** A path that its owner named as a model, with the name and facts the owner gave; scanned and watched like any root. */
import type { ModelId } from '../../core/index.ts';
import type { FoundModel, ScanContext, Scanner } from '../../inventory/index.ts';
import type { ModelType } from '../../protocol/index.ts';
import { NodeError } from '../errors.ts';

/** What `model import` was given; kept over restarts. */
export interface ImportRequest {
  readonly path: string;
  readonly modelId?: ModelId | undefined;
  readonly version?: string | undefined;
  readonly type?: ModelType | undefined;
  readonly capabilities?: readonly string[] | undefined;
}

export class ImportScanner implements Scanner {
  readonly name = 'import';
  readonly root: string;
  readonly request: ImportRequest;
  /** What the last scan found. */
  found: readonly FoundModel[] = [];
  /** Why the last scan took nothing of what it saw. */
  refusal: NodeError | undefined;
  readonly #inner: Scanner;

  constructor(request: ImportRequest, inner: Scanner) {
    this.request = request;
    this.root = inner.root;
    this.#inner = inner;
  }

  async *scan(context: ScanContext): AsyncGenerator<FoundModel> {
    const found: FoundModel[] = [];
    for await (const model of this.#inner.scan(context)) found.push(model);
    this.refusal = this.#refuse(found.length);
    if (this.refusal !== undefined) throw this.refusal;
    this.found = found.map((model) => this.#rename(model));
    yield* this.found;
  }

  #refuse(count: number): NodeError | undefined {
    const { path, modelId } = this.request;
    if (modelId === undefined || count < 2) return undefined;
    return new NodeError('import_needs_one', `Importing ${path} as ${modelId}: it holds ${count} models, wanted one`);
  }

  #rename(model: FoundModel): FoundModel {
    const { path, modelId, version, type, capabilities } = this.request;
    return {
      ...model,
      key: `import ${modelId ?? ''} ${model.key}`,
      source: 'imported',
      sourceRef: path,
      ...(modelId === undefined ? {} : { modelId, name: modelId }),
      ...(version === undefined ? {} : { version }),
      ...(type === undefined ? {} : { type }),
      ...(capabilities === undefined ? {} : { capabilities }),
    };
  }
}
