/** What the control API's use-cases work with: the parts of a running node. */
import type { PartsInbox } from '../../atmo/index.ts';
import type { Clock } from '../../core/index.ts';
import type { Inventory } from '../../inventory/index.ts';
import type { Mesh } from '../../mesh/index.ts';
import type { ModelCatalog } from '../../registry/index.ts';
import type { BlobStore } from '../../store/index.ts';
import type { AccessPolicy } from '../access/access-policy.ts';
import type { AuditTrail } from '../audit/audit-trail.ts';
import type { ConsentDesk } from '../consent/consent-desk.ts';
import type { Deployment } from '../deployment/open-deployment.ts';
import type { Rollouts } from '../deployment/open-rollouts.ts';
import type { Differences } from '../differences/open-differences.ts';
import type { ModelExchange } from '../exchange/model-exchange.ts';
import type { NodeBook } from '../facts/node-book.ts';
import type { Feedback } from '../feedback.ts';
import type { FormatGate } from '../gate/format-gate.ts';
import type { Home } from '../home.ts';
import type { Intake } from '../library/intake.ts';
import type { ModelLibrary } from '../library/model-library.ts';
import type { Manifests } from '../manifests/manifests.ts';
import type { Deprecations } from '../mesh-registry/deprecations.ts';
import type { MeshRegistry } from '../mesh-registry/mesh-registry.ts';
import type { PackageAgents } from '../packages/agents.ts';
import type { OfferBook } from '../packages/mesh/offer-book.ts';
import type { PackageSink } from '../packages/mesh/package-sink.ts';
import type { PackageShelf } from '../packages/package-shelf.ts';
import type { PackageTrustBook } from '../packages/package-trust.ts';
import type { BlobPullDeps } from '../pull/blob-pull.ts';
import type { FetchBook } from '../pull/fetch-book.ts';
import type { TransferService } from '../pull/transfer-service.ts';
import type { RateControl } from '../rate/rate-control.ts';
import type { Relaying } from '../relaying.ts';
import type { RulesBook } from '../rules/rules-book.ts';
import type { Runtimes } from '../runtimes.ts';

export interface NodeParts {
  readonly name: string;
  readonly programVersion: string;
  /** Nodes are looked for, and packages shown, on the local network. */
  readonly mdns: boolean;
  readonly home: Home;
  readonly clock: Clock;
  readonly store: BlobStore;
  readonly mesh: Mesh;
  readonly catalog: ModelCatalog;
  readonly access: AccessPolicy;
  readonly audit: AuditTrail;
  readonly consent: ConsentDesk;
  readonly library: ModelLibrary;
  readonly manifests: Manifests;
  readonly inventory: Inventory;
  readonly intake: Intake;
  readonly transfers: TransferService;
  readonly differences: Differences | undefined;
  readonly fetching: FetchBook;
  /** Packages that this node offers to others. */
  readonly offers: OfferBook;
  /** Where packages that others offer end up. */
  readonly packageSink: PackageSink;
  /** What small parts of an offer are fetched with, to be looked at. */
  readonly peeking: BlobPullDeps;
  readonly rates: RateControl;
  readonly feedback: Feedback;
  readonly relaying: Relaying;
  /** What nodes say of themselves. */
  readonly nodes: NodeBook;
  /** Those that hold here. */
  readonly rules: RulesBook;
  readonly deployment: Deployment;
  readonly rollouts: Rollouts;
  readonly exchange: ModelExchange;
  readonly deprecations: Deprecations;
  readonly meshRegistry: MeshRegistry;
  /** May what is here be loaded? */
  readonly formatGate: FormatGate;
  readonly runtimes: Runtimes;
  /** Those of packages, as processes. */
  readonly agents: PackageAgents;
  readonly packages: PackageShelf;
  /** Whose packages are taken. */
  readonly packageTrust: PackageTrustBook;
  /** Where parts of packages come together. Opened when it is first asked for. */
  readonly partsInbox: () => Promise<PartsInbox>;
  /** URL templates. */
  readonly mirrors: readonly string[];
  readonly startedAtMs: number;
  freeBytes(): Promise<number>;
  /** Describes this node and begins to deploy, once it can be reached. */
  startDeploying(): void;
  /** Where HTTP listens, once it does. */
  httpUrl(): string;
  /** Ends the process in its own time. */
  shutDown(): void;
}
