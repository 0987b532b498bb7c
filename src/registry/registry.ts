/** The node's database, opened and brought up to date, with its repositories. Spec: docs/spec/09-registry.md. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../core/index.ts';
import { type AuditLogRepository, createAuditLog } from './audit-log.ts';
import { type BlobIndexRepository, createBlobIndex } from './blob-index.ts';
import { type ConsentRepository, createConsents } from './consents.ts';
import { openDatabase } from './database.ts';
import { createDeployments, createPins, type DeploymentRepository, type PinRepository } from './deployments.ts';
import { createDifferences, type DifferenceRepository } from './differences.ts';
import { RegistryError } from './errors.ts';
import { createHashCache, type HashCacheRepository } from './hash-cache.ts';
import { createInviteRepository, type InviteRepository } from './invites.ts';
import { createManifests, type ManifestRepository } from './manifests.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { createModelRepository, type ModelRepository } from './models.ts';
import { createPackages, type PackageRepository } from './packages.ts';
import { createPeerRepository, type PeerRepository } from './peers.ts';
import { createPieceLists, type PieceListRepository } from './piece-lists.ts';
import { createRecordRepository, type RecordRepository } from './records.ts';
import { createReliability, type ReliabilityRepository } from './reliability.ts';
import { createSettings, type SettingsRepository } from './settings.ts';
import { createSightings, type SightingRepository } from './sightings.ts';
import { createTransfers, type TransferRepository } from './transfers.ts';

export interface Registry extends Disposable {
  readonly models: ModelRepository;
  readonly hashCache: HashCacheRepository;
  readonly blobIndex: BlobIndexRepository;
  readonly pieceLists: PieceListRepository;
  readonly records: RecordRepository;
  readonly peers: PeerRepository;
  readonly reliability: ReliabilityRepository;
  readonly invites: InviteRepository;
  readonly settings: SettingsRepository;
  readonly transfers: TransferRepository;
  readonly deployments: DeploymentRepository;
  readonly pins: PinRepository;
  readonly manifests: ManifestRepository;
  readonly auditLog: AuditLogRepository;
  readonly consents: ConsentRepository;
  readonly sightings: SightingRepository;
  readonly packages: PackageRepository;
  readonly differences: DifferenceRepository;
  close(): void;
}

/** Throws RegistryError `database_too_new`, `database_corrupt`, `database_failed`. */
export function openRegistry(path: string): Registry {
  makeFolder(dirname(path));
  const db = openDatabase(path, MIGRATIONS);
  return {
    models: createModelRepository(db),
    hashCache: createHashCache(db),
    blobIndex: createBlobIndex(db),
    pieceLists: createPieceLists(db),
    records: createRecordRepository(db),
    peers: createPeerRepository(db),
    reliability: createReliability(db),
    invites: createInviteRepository(db),
    settings: createSettings(db),
    transfers: createTransfers(db),
    deployments: createDeployments(db),
    pins: createPins(db),
    manifests: createManifests(db),
    auditLog: createAuditLog(db),
    consents: createConsents(db),
    sightings: createSightings(db),
    packages: createPackages(db),
    differences: createDifferences(db),
    close: () => db.close(),
    [Symbol.dispose]: () => db.close(),
  };
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (thrown) {
    throw new RegistryError('database_failed', `Making ${path}: ${messageOf(thrown)}`, { cause: thrown });
  }
}
