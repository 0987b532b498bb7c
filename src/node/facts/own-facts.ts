/**
 * Describes this node and tells the mesh: at the start, when something has changed, and before the word runs out. Spec:
 * docs/spec/17-deployment.md §1.7. What was found out last time holds until it is found out anew, so that a restart changes nothing.
 */
import { tierOf } from '../../atmo/index.ts';
import { type Clock, Emitter, every, type Logger, messageOf } from '../../core/index.ts';
import type { NodeFacts } from '../../deploy/index.ts';
import { isPastHalfLife, MESH_LIMITS, type Mesh } from '../../mesh/index.ts';
import { type PackageTier, parseNodeCapabilities } from '../../protocol/index.ts';
import type { Registry } from '../../registry/index.ts';
import { NODE_LIMITS } from '../limits.ts';
import {
  describeMachine,
  freeDiskMb,
  glanceAtMachine,
  type MachineFacts,
  type MachinePorts,
} from './describe-machine.ts';
import type { OwnerFacts } from './owner-facts.ts';

export interface OwnFactsOptions {
  readonly mesh: Pick<Mesh, 'nodeId' | 'role' | 'publish' | 'records' | 'membershipEvents'>;
  readonly nodeName: string;
  readonly owner: OwnerFacts;
  readonly machine: MachinePorts;
  readonly settings: Registry['settings'];
  readonly clock: Clock;
  readonly logger: Logger;
}

const KEY = 'machine_facts';

/** Which part of a package it takes by its size. */
export function tierOfHardware({ memory_mb, vram_mb, cpu_cores }: MachineFacts['hardware']): PackageTier {
  return tierOf({ memoryMb: memory_mb, vramMb: vram_mb, cpuCores: cpu_cores });
}

export class OwnFacts implements Disposable {
  readonly changes = new Emitter<void>();
  readonly #options: OwnFactsOptions;
  readonly #stops: (() => void)[] = [];
  #machine: MachineFacts;
  #facts: NodeFacts | undefined;
  #isClosed = false;

  constructor(options: OwnFactsOptions) {
    this.#options = options;
    this.#machine = { ...glanceAtMachine(), ...readKept(options.settings.get(KEY)) };
    this.#stops.push(options.mesh.membershipEvents.on(() => this.#tell()));
  }

  /** The same object as long as nothing has changed. */
  current(): NodeFacts {
    this.#facts ??= this.#compose();
    return this.#facts;
  }

  /** Resolves when the machine is described and the mesh told. */
  async start(): Promise<void> {
    await this.#describe();
    this.#every(NODE_LIMITS.diskLookMs, async () => {
      const disk_free_mb = await freeDiskMb(this.#options.machine.freeBytes);
      const { hardware } = this.#machine;
      this.#take({ ...this.#machine, hardware: { ...hardware, disk_free_mb } });
    });
    this.#every(NODE_LIMITS.describeEveryMs, () => this.#describe());
  }

  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const stop of this.#stops.splice(0)) stop();
  }

  async #describe(): Promise<void> {
    const described = await describeMachine(this.#options.machine);
    if (this.#isClosed) return;
    this.#options.settings.set(KEY, described);
    this.#take(described);
  }

  #take(machine: MachineFacts): void {
    if (this.#isClosed) return;
    this.#machine = machine;
    this.#tell();
  }

  /** Called by timers and events: what it throws would end the daemon. */
  #tell(): void {
    const { mesh, logger, clock } = this.#options;
    const facts = this.#compose();
    const isSame = JSON.stringify(facts) === JSON.stringify(this.current());
    if (!isSame) this.#facts = facts;
    try {
      const [told] = mesh.records({ kind: 'capability', author: mesh.nodeId });
      const isFresh = told !== undefined && !isPastHalfLife(told, clock.nowMs());
      if (!isFresh || JSON.stringify(parseNodeCapabilities(told.payload)) !== JSON.stringify(facts))
        mesh.publish({ kind: 'capability', key: '', payload: { ...facts }, ttlMs: MESH_LIMITS.nodeRecordLifeMs });
    } catch (thrown) {
      logger.warn({ reason: messageOf(thrown) }, 'the mesh was not told what this node is');
    }
    if (!isSame) this.changes.emit();
  }

  /** In the order of the schema, so that two of them can be compared as text. */
  #compose(): NodeFacts {
    const { mesh, nodeName, owner } = this.#options;
    const who = { type: 'node_capabilities', node_id: mesh.nodeId, node_name: nodeName, role: mesh.role };
    const { machine, tier: said, ...words } = owner;
    const { hardware } = this.#machine;
    const { memoryMb = hardware.memory_mb, architecture = hardware.architecture } = machine;
    const told = { ...hardware, memory_mb: Math.min(memoryMb, hardware.memory_mb), architecture };
    const tier = said ?? tierOfHardware(told);
    return parseNodeCapabilities({ ...who, ...words, tier, ...this.#machine, hardware: told });
  }

  #every(periodMs: number, act: () => Promise<void>): void {
    const { clock, logger } = this.#options;
    const onFailure = (thrown: unknown) => logger.warn({ reason: messageOf(thrown) }, 'describing this node failed');
    this.#stops.push(every(clock, periodMs, () => void act().catch(onFailure)));
  }
}

/** What another program version kept may not be readable. */
function readKept(value: unknown): Partial<MachineFacts> {
  try {
    const { hardware, execution_providers, software } = parseNodeCapabilities({
      ...(value as object),
      ...{ type: 'node_capabilities', node_id: PLACEHOLDER_ID, node_name: 'kept', role: 'member' },
    });
    return { hardware, execution_providers, software };
  } catch {
    return {};
  }
}

const PLACEHOLDER_ID = '12D3KooWPPkxEvcPrKbjfZMrUqEtEFdNW1TFViWEX8SVV2cb8M9k';
