/** May what a package brings be loaded here? Asked before anything of it is in force. Spec: docs/spec/17-deployment.md §8. */
import type { PackageVersion } from '../../registry/index.ts';
import type { BlobStore } from '../../store/index.ts';
import type { FormatGate } from '../gate/format-gate.ts';
import { inspectFiles } from '../gate/inspect-files.ts';
import { PackageError } from './errors.ts';
import type { ModelGate } from './install-ports.ts';
import type { PackagedFiles } from './package-models.ts';

export interface StoredModelGateDeps {
  readonly store: Pick<BlobStore, 'stat'>;
  readonly formatGate: Pick<FormatGate, 'decide'>;
}

/** The files as they lie in the store, under the names that they have in the model. */
export class StoredModelGate implements ModelGate {
  readonly #deps: StoredModelGateDeps;

  constructor(deps: StoredModelGateDeps) {
    this.#deps = deps;
  }

  async judge({ entry, files, manifest }: PackagedFiles, author: string | undefined, signal: AbortSignal | undefined) {
    const places = [];
    for (const { path, sha256 } of files) {
      const blob = await this.#deps.store.stat(sha256);
      if (blob === undefined) return [`${path} is not in the store`];
      places.push({ path, absolutePath: blob.path });
    }
    const signature = manifest?.signature;
    const named = { model_id: entry.model_id, ...(manifest ?? {}), ...(signature === undefined ? {} : { signature }) };
    const refusals = this.#deps.formatGate.decide(named, author, await inspectFiles(places, signal));
    return refusals.map(({ message }) => message);
  }
}

/** Every reason of every model at once. Throws PackageError `unsafe_model`. */
export async function judgeModels(
  gate: ModelGate,
  { id, version }: Pick<PackageVersion, 'id' | 'version'>,
  { models, author, signal }: JudgedModels,
): Promise<void> {
  const reasons: string[] = [];
  for (const model of models)
    for (const reason of await gate.judge(model, author, signal)) reasons.push(`${model.entry.model_id}: ${reason}`);
  if (reasons.length === 0) return;
  throw new PackageError('unsafe_model', `Installing ${id} ${version}: ${reasons.join('; ')}`, { data: { reasons } });
}

interface JudgedModels {
  readonly models: readonly PackagedFiles[];
  readonly author: string | undefined;
  readonly signal: AbortSignal | undefined;
}
