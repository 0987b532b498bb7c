/** What an import, a rollback or a removal asks of the node. */
import type { Clock, Logger } from '../../core/index.ts';
import type { PackageTier } from '../../protocol/index.ts';
import type { PackageRepository, Registry } from '../../registry/index.ts';
import type { BlobStore } from '../../store/index.ts';
import type { CustodyKeeper, InstallPorts, ModelGate, PackageJudge } from './install-ports.ts';
import type { PackageContent } from './package-content.ts';
import type { PackageModels } from './package-models.ts';

export interface ImportPorts {
  readonly rows: PackageRepository;
  readonly ports: InstallPorts;
  readonly judge: PackageJudge;
  /** What this node is, unless an import says otherwise. */
  readonly tier: () => PackageTier;
  readonly custody: CustodyKeeper;
  readonly gate: ModelGate;
  readonly content: Pick<PackageContent, 'keep' | 'releaseOthers' | 'missing'>;
  readonly models: Pick<PackageModels, 'toRows' | 'manifestOf'>;
  readonly audit: InstallAudit;
  readonly store: BlobStore;
  readonly pieceLists: Registry['pieceLists'];
  readonly freeBytes: () => Promise<number>;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface InstallAudit {
  /** Throws where it cannot be written; then nothing is done. */
  insist(event: 'install' | 'rollback' | 'remove', facts: Readonly<Record<string, unknown>>): void;
  note(event: 'refusal', facts: Readonly<Record<string, unknown>>): void;
}
