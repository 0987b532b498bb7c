/**
 * The agents of the packages that are in force here: which ones should run is read from the database, each time anew. Spec:
 * docs/spec/23-agents.md.
 */
import { join } from 'node:path';
import { type AgentRunner, type AgentStatus, AgentSupervisor, type WantedAgent } from '../../agents/index.ts';
import { type Clock, type Emitter, type Logger, systemRandom } from '../../core/index.ts';
import type { PackageVersion, Registry } from '../../registry/index.ts';

export interface PackageAgentsOptions {
  readonly runner: AgentRunner | undefined;
  readonly home: string;
  readonly nodeName: string;
  readonly packages: Pick<Registry['packages'], 'list'>;
  /** `packages/<id>/<version>`. */
  readonly folderOf: (version: Pick<PackageVersion, 'id' | 'version'>) => string;
  /** Where HTTP listens, once it does. */
  readonly httpUrl: () => string;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class PackageAgents implements AsyncDisposable {
  readonly runner: AgentRunner | undefined;
  /** A status is another now. */
  readonly changes: Emitter<void>;
  readonly #options: PackageAgentsOptions;
  readonly #supervisor: AgentSupervisor;

  constructor(options: PackageAgentsOptions) {
    const { runner, home, nodeName, httpUrl, clock, logger } = options;
    this.#options = options;
    this.runner = runner;
    this.#supervisor = new AgentSupervisor({
      ...{ runner, owner: home, clock, random: systemRandom, logger },
      logFolder: join(home, 'logs', 'agents'),
      runFolder: join(home, 'run', 'agents'),
      facts: () => ({ ATMOSPHERE_HOME: home, ATMOSPHERE_NODE_NAME: nodeName, ATMOSPHERE_API: httpUrl() }),
    });
    this.changes = this.#supervisor.changes;
  }

  /** Those of the versions in force run, and no others; as often as one likes. Resolves when what should not run has ended. */
  apply(): Promise<void> {
    return this.#supervisor.apply(this.#options.packages.list().flatMap(({ current }) => this.#wantedOf(current)));
  }

  /** In the order of package and id; of one package only if it is given. */
  statuses(packageId?: string): AgentStatus[] {
    const all = this.#supervisor.statuses();
    return packageId === undefined ? all : all.filter((status) => status.packageId === packageId);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#supervisor[Symbol.asyncDispose]();
  }

  #wantedOf({ id: packageId, version: packageVersion, agents }: PackageVersion): WantedAgent[] {
    const folder = this.#options.folderOf({ id: packageId, version: packageVersion });
    return agents.map(({ path, id, version }) => ({
      ...{ packageId, packageVersion, id, version, folder },
      path: join(folder, ...path.split('/')),
    }));
  }
}
