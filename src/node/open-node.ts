/**
 * The composition root: opens the parts of a node in order, introduces them to each other, and closes them in the
 * opposite order. Knows no HTTP server: the daemon tells it where one listens. What a crash leaves at any line is
 * brought together by the next opening (store, library, transfers each compare again).
 */
import { statfs } from 'node:fs/promises';
import { hostname } from 'node:os';
import type { ControlHandlers, DaemonConfig } from '../api/index.ts';
import { type Clock, type Logger, systemClock, systemRandom } from '../core/index.ts';
import {
  FolderScanner,
  HuggingFaceScanner,
  huggingFaceCacheFolder,
  Inventory,
  llamaFarmFolder,
  llamaFarmScanner,
  OllamaScanner,
  ollamaStoreFolder,
  type Scanner,
} from '../inventory/index.ts';
import { openMesh } from '../mesh/index.ts';
import { PROTOCOL_LIMITS } from '../protocol/index.ts';
import { acquireHomeLock, ModelCatalog, openRegistry } from '../registry/index.ts';
import { openDiskBlobStore, removeHalfBuilt } from '../store/index.ts';
import { openIdentity, readTlsPeer, verifyToken } from '../trust/index.ts';
import { announcer } from './announcer.ts';
import { CatalogFeeder } from './catalog-feeder.ts';
import { CatalogPublisher } from './catalog-publisher.ts';
import { meshControl } from './control/mesh-control.ts';
import { modelControl } from './control/model-control.ts';
import type { NodeParts } from './control/parts.ts';
import { statusControl } from './control/status-control.ts';
import { transferControl } from './control/transfer-control.ts';
import { type Home, openHome, readMachineMark } from './home.ts';
import { Intake } from './library/intake.ts';
import { ModelLibrary } from './library/model-library.ts';
import { machineHash } from './peer-endpoints.ts';
import { TransferService } from './pull/transfer-service.ts';
import { ServedModels } from './served-content.ts';
import { SwarmView } from './swarm-view.ts';
import { TlsKeeper } from './tls-keeper.ts';
import { transferLog } from './transfer-log.ts';
import { ViewWriter } from './view-writer.ts';
