/** Where the files of a deployed model lie for runtimes, and which version is in force. Spec: docs/spec/17-deployment.md §4.2. */
import { stat } from 'node:fs/promises';
import { sep } from 'node:path';
import type { ModelId } from '../../core/index.ts';
import type { Activator } from '../../deploy/index.ts';
import type { ModelManifest } from '../../protocol/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import { linkCurrent, modelFolder, placeModel, unlinkCurrent } from '../../store/index.ts';
import { NodeError } from '../errors.ts';
import { descriptionOf } from '../library/local-entry.ts';
import type { ModelLibrary } from '../library/model-library.ts';

export class ModelFolders implements Activator {
  readonly #home: string;
  readonly #library: ModelLibrary;

  constructor(home: string, library: ModelLibrary) {
    this.#home = home;
    this.#library = library;
  }

  async activate(manifest: ModelManifest): Promise<void> {
    const model = this.#modelOf(manifest);
    const place = this.#placeOf(model);
    const folder = modelFolder(place);
    if ((await stat(folder).catch(() => undefined)) === undefined)
      await placeModel(
        place,
        model.files.map(({ path, absolutePath }) => ({ path, blobPath: absolutePath })),
      );
    await linkCurrent(place);
  }

  async deactivate(modelId: ModelId): Promise<void> {
    await unlinkCurrent(this.#home, modelId);
  }

  /** The file, or the folder of a set: what a runtime is given. Throws NodeError `model_not_local`. */
  async pathOf(manifest: ModelManifest): Promise<string> {
    return this.#library.placeOf(this.#modelOf(manifest));
  }

  #modelOf({ model_id, version, sha256 }: ModelManifest): LocalModel {
    const model = this.#library.find({ model_id, version, sha256 });
    if (model?.state === 'ready') return model;
    throw new NodeError('model_not_local', `Loading ${model_id}@${version}: its bytes are not here`);
  }

  /** A second content under one version has a folder of its own. */
  #placeOf(model: LocalModel) {
    const { modelId, version, sha256 } = model;
    const plain = { home: this.#home, modelId, version };
    const { path, isPulled } = descriptionOf(model);
    const folder = modelFolder(plain);
    if (isPulled === true && path !== undefined)
      return path === folder || path.startsWith(folder + sep) ? plain : { ...plain, variant: sha256 };
    const isAlone = this.#library
      .list()
      .every((one) => one === model || one.modelId !== modelId || one.version !== version);
    return isAlone ? plain : { ...plain, variant: sha256 };
  }
}
