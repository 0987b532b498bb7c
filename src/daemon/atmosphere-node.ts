/**
 * A whole node inside a program: what `atmosphere up` runs, without its process. Asks the same use-cases as the control API,
 * without HTTP in between, so rows and events are those of the JSON contract (docs/spec/11-cli.md). Nothing is opened before
 * `start()`; after `stop()` nothing is left open. Spec: docs/spec/12-library.md §2.
 */
import {
  type AnswerOf,
  type ControlInput,
  DAEMON_DEFAULTS,
  type DaemonConfig,
  type DaemonReady,
  type ManifestAnswer,
  type ModelRow,
  type PullEvent,
  RemoteError,
  type Transfer,
} from '../api/index.ts';
import { Emitter, type ErrorKind, type Logger, messageOf, silentLogger } from '../core/index.ts';
import { NodeError, type OpenNode } from '../node/index.ts';
import type { JsonObject } from '../protocol/index.ts';
import { type OpenProgram, openProgram } from './daemon.ts';
import { openLogger } from './logger.ts';

/** A home and what differs from `DAEMON_DEFAULTS`. Logs to nowhere unless a logger, a level or a file is given. */
export type AtmosphereNodeOptions = Pick<DaemonConfig, 'home'> &
  Partial<Omit<DaemonConfig, 'home'>> & { readonly logger?: Logger };

type MergedCatalog = OpenNode['parts']['catalog'];
type CatalogEvent = Parameters<Parameters<MergedCatalog['events']['on']>[0]>[0];

export type NodeEvent =
  | { readonly type: 'transfer'; readonly transfer: Transfer }
  /** What this node has, or offers, is another. */
  | { readonly type: 'models' }
  /** What others have, or where they are. */
  | { readonly type: 'catalog'; readonly event: CatalogEvent }
  /** Closed, whoever asked for it. */
  | { readonly type: 'stopped' };

export interface ImportOptions {
  readonly name?: string;
  readonly version?: string;
  readonly type?: string;
  readonly capabilities?: readonly string[];
  /** In any vocabulary; the other options go before it. */
  readonly manifest?: JsonObject;
}

export interface PullOptions {
  /** A version, a semver range, or `latest`. */
  readonly range?: string;
  /** Name or id of the only node to pull from. */
  readonly from?: string;
  /** Before other pulls, or behind; `normal` unless given. */
  readonly priority?: Transfer['priority'];
  /** Files as differences to an older version that is here: wherever there are any, or never; where it is sooner unless given. */
  readonly difference?: 'always' | 'never';
  readonly onProgress?: (event: PullEvent) => void;
  /** Cancels the transfer; what arrived is kept. */
  readonly signal?: AbortSignal;
}

export interface InviteOptions {
  readonly role?: string;
  readonly expiresSeconds?: number;
  readonly uses?: number;
}

export class AtmosphereNode implements AsyncDisposable {
  readonly events = new Emitter<NodeEvent>();
  readonly #options: AtmosphereNodeOptions;
  #starting: Promise<OpenProgram> | undefined;
  #program: OpenProgram | undefined;

  constructor(options: AtmosphereNodeOptions) {
    this.#options = options;
  }

  /** Resolves when HTTP and mesh are open. Throws what opening throws (`home_in_use`, `port_in_use`, …). */
  async start(): Promise<DaemonReady> {
    if (this.#starting !== undefined)
      throw new NodeError('already_started', 'Starting the node: it is started already');
    const { logger: given, ...config } = this.#options;
    const merged: DaemonConfig = { ...DAEMON_DEFAULTS, ...config };
    const isLogWanted = config.logLevel !== undefined || config.logFile !== undefined;
    const logger = given ?? (isLogWanted ? openLogger(merged) : silentLogger);
    this.#starting = openProgram(merged, logger);
    try {
      this.#program = await this.#starting;
    } catch (thrown) {
      this.#starting = undefined;
      throw thrown;
    }
    this.#listen(this.#program, logger);
    return this.#program.daemon.ready;
  }

  /** Nothing happens to one that is stopped. */
  async stop(): Promise<void> {
    await this.#starting?.catch(() => {});
    await this.#program?.daemon.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** Ids and addresses. Throws NodeError `not_started`, like all below. */
  get ready(): DaemonReady {
    return this.#started().daemon.ready;
  }

  /** What the others have: find a model, its holders, the best of them. */
  get catalog(): MergedCatalog {
    return this.#started().node.parts.catalog;
  }

  /** Models: here, verified anywhere in the mesh, or elsewhere only. */
  async models(scope: 'local' | 'mesh' | 'available' = 'mesh'): Promise<ModelRow[]> {
    return (await this.#ask('modelList', { query: { scope } })).models;
  }

  /** Takes a file or folder as a model, in place, and reads it once. Resolves with what is offered from now on. */
  async importModel(path: string, { capabilities, ...options }: ImportOptions = {}): Promise<ModelRow[]> {
    const more = capabilities === undefined ? {} : { capabilities: [...capabilities] };
    const body = { path, ...options, ...more };
    const models: ModelRow[] = [];
    for await (const event of this.#started().node.control.modelImport({ ...NOTHING, body }, never())) {
      if (event.event === 'problem' || event.event === 'failed') throw toError(event);
      if (event.model !== undefined) models.push(event.model);
    }
    return models;
  }

  /** The manifest that counts, and who signed it. Throws NodeError `model_not_found`, `manifest_not_found`. */
  async manifest(name: string, range?: string): Promise<ManifestAnswer> {
    const query = { id: name, ...(range && { range }) };
    return this.#started().node.control.modelManifest({ ...NOTHING, query }, never());
  }

  /**
   * Describes a model of this machine by a manifest in any vocabulary; what it leaves out stays as it was found. Signed and
   * published where this node may. Throws ProtocolError `malformed`, `bad_lineage`, NodeError `manifest_mismatch`, `not_permitted`.
   */
  async describe(name: string, manifest: JsonObject): Promise<ManifestAnswer> {
    const body = { id: name, manifest, partial: true };
    return this.#started().node.control.modelDescribe({ ...NOTHING, body }, never());
  }

  /**
   * Gets a model, every byte verified. Resolves with the last event, which has its path. Throws RemoteError with the code
   * and kind of what went wrong; NodeError `model_not_found`, `model_ambiguous`, `node_not_found`; the signal's reason.
   */
  async pull(name: string, options: PullOptions = {}): Promise<PullEvent & { readonly path: string }> {
    const { range, from, priority, difference, onProgress, signal = never() } = options;
    const words = { ...(priority && { priority }), ...(difference && { difference }) };
    const body = { id: name, ...(range && { range }), ...(from && { from }), ...words };
    signal.throwIfAborted();
    let requestId: string | undefined;
    for await (const event of this.#started().node.control.pull({ ...NOTHING, body }, signal)) {
      requestId = event.request_id;
      onProgress?.(event);
      if (event.event === 'failed') throw toError(event);
      if (event.event === 'completed' && event.path !== null) return { ...event, path: event.path };
    }
    if (signal.aborted && requestId !== undefined)
      await this.#ask('transferCancel', { params: { request_id: requestId } });
    signal.throwIfAborted();
    throw new NodeError('transfer_failed', `Pulling ${name}: the node stopped before the end`);
  }

  /** A code that lets others join this node's mesh. */
  async invite(options: InviteOptions = {}): Promise<AnswerOf<'meshInvite'>> {
    const { role = 'member', expiresSeconds = 86_400, uses = 1 } = options;
    return await this.#ask('meshInvite', { body: { role, expires_s: expiresSeconds, uses } });
  }

  async join(code: string, signal: AbortSignal = never()): Promise<AnswerOf<'meshJoin'>> {
    return await this.#ask('meshJoin', { body: { code } }, signal);
  }

  /** The members of this node's mesh, itself among them. */
  async nodes(): Promise<AnswerOf<'meshNodes'>['nodes']> {
    return (await this.#ask('meshNodes', {})).nodes;
  }

  async #ask<Name extends AnsweringRoute>(
    name: Name,
    input: Partial<ControlInput<Name>>,
    signal: AbortSignal = never(),
  ): Promise<AnswerOf<Name>> {
    const handler = this.#started().node.control[name] as (
      input: ControlInput<Name>,
      signal: AbortSignal,
    ) => Promise<AnswerOf<Name>>;
    return await handler({ ...NOTHING, ...input } as ControlInput<Name>, signal);
  }

  #listen(program: OpenProgram, logger: Logger): void {
    const { parts, control } = program.node;
    const stops = [
      parts.library.changes.on(() => this.events.emit({ type: 'models' })),
      parts.catalog.events.on((event) => this.events.emit({ type: 'catalog', event })),
    ];
    const stopping = new AbortController();
    const follow = async (): Promise<void> => {
      for await (const transfer of control.transferEvents({ ...NOTHING }, stopping.signal))
        this.events.emit({ type: 'transfer', transfer });
    };
    follow().catch((thrown: unknown) => logger.error({ err: messageOf(thrown) }, 'following transfers failed'));
    const end = (): void => {
      for (const stop of stops) stop();
      stopping.abort();
      this.#program = undefined;
      this.#starting = undefined;
      this.events.emit({ type: 'stopped' });
    };
    program.daemon.stopped.then(end, end);
  }

  #started(): OpenProgram {
    if (this.#program !== undefined) return this.#program;
    throw new NodeError('not_started', 'Asking the node: it is not started');
  }
}

/** Routes that answer once. */
type AnsweringRoute = 'modelList' | 'meshInvite' | 'meshJoin' | 'meshNodes' | 'transferCancel';

const NOTHING = { query: {}, body: {}, params: {} };
/** One for each call: listeners on a shared one would never be let go of. */
function never(): AbortSignal {
  return new AbortController().signal;
}

/** What a stream's last event says went wrong. */
function toError(event: {
  readonly error?: string | undefined;
  readonly code?: string | undefined;
  readonly kind?: string | undefined;
}): RemoteError {
  const { error = 'it failed without a reason', code = 'internal', kind = 'internal' } = event;
  const retry = kind === 'unreachable' || kind === 'storage';
  return new RemoteError({ error, code, kind: kind as ErrorKind, retry, data: {} });
}
