/** The reconciler's journal over the registry: rows are kept in memory too, so that a look at a thousand models reads no disk. */
import type { ModelId } from '../../core/index.ts';
import {
  type Because,
  type ContentKey,
  DEPLOYMENT_STEPS,
  type Deployed,
  type DeploymentStep,
  type DeploymentStore,
} from '../../deploy/index.ts';
import { MODEL_STATUSES, type ModelStatusWord } from '../../protocol/index.ts';
import type { DeploymentRepository, StoredDeployment } from '../../registry/index.ts';

export class DeploymentJournal implements DeploymentStore {
  readonly #repository: DeploymentRepository;
  readonly #rows: Map<ModelId, Deployed>;

  constructor(repository: DeploymentRepository) {
    this.#repository = repository;
    this.#rows = new Map(repository.list().flatMap((stored) => toDeployed(stored).map((row) => [row.modelId, row])));
  }

  list(): readonly Deployed[] {
    return [...this.#rows.values()];
  }

  get(modelId: ModelId): Deployed | undefined {
    return this.#rows.get(modelId);
  }

  /** The disk first: what could not be written did not happen. */
  put(row: Deployed): void {
    this.#repository.put(toStored(row));
    this.#rows.set(row.modelId, row);
  }

  delete(modelId: ModelId): void {
    this.#repository.delete(modelId);
    this.#rows.delete(modelId);
  }
}

function toStored(row: Deployed): StoredDeployment {
  const { modelId, version, sha256, status, step, because, manifest, previous, updatedAtMs, ...detail } = row;
  return { modelId, version, sha256, status, step, because: { ...because }, manifest, previous, detail, updatedAtMs };
}

/** A row of another program, whose words are none of ours, is left out: its model is then deployed anew. */
function toDeployed({ detail, ...stored }: StoredDeployment): Deployed[] {
  const status = MODEL_STATUSES.find((known) => known === stored.status);
  const step = DEPLOYMENT_STEPS.find((known) => known === stored.step);
  if (status === undefined || step === undefined) return [];
  const known = detail as Partial<Deployed>;
  return [toRow({ ...stored, status, step }, known)];
}

interface Columns extends Omit<StoredDeployment, 'detail'> {
  readonly status: ModelStatusWord;
  readonly step: DeploymentStep;
}

function toRow(columns: Columns, detail: Partial<Deployed>): Deployed {
  return {
    ...columns,
    because: columns.because as unknown as Because,
    inForce: detail.inForce ?? 'none',
    previousStatus: detail.previousStatus,
    load: detail.load ?? true,
    priority: detail.priority ?? 3,
    owned: detail.owned ?? NONE,
    error: detail.error,
    cause: detail.cause,
    downloadProgress: detail.downloadProgress ?? 0,
    verifiedAtMs: detail.verifiedAtMs,
    loadedAtMs: detail.loadedAtMs,
    transferMs: detail.transferMs,
    attempts: detail.attempts ?? 0,
    retryAtMs: detail.retryAtMs,
  };
}

const NONE: readonly ContentKey[] = [];
