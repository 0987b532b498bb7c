/**
 * May whoever asks have the bytes of a model? One decision for every way that bytes leave: HTTP, streams of the mesh, WebSockets,
 * relays, parts of pulls under way, piece lists. Spec: docs/spec/20-access.md §3.
 */
import { isNodeId, type NodeId } from '../../core/index.ts';
import type { ModelAccess } from '../../protocol/index.ts';
import { mayRead } from '../../trust/index.ts';

/** Whoever asks, as far as it matters here. */
export interface Asker {
  readonly kind: string;
  readonly nodeId?: NodeId;
  /** Of a peer, as its certificate says; of a token, that of the member who made it. */
  readonly role?: string;
  /** A relay's word for whom it asks, on a link that this node keeps to it: a node id, or what is none. */
  readonly onBehalfOf?: string;
}

export interface ReadGate {
  /** One of these models is enough. */
  mayRead(modelIds: Iterable<string>, asker: Asker): boolean;
}

/** For a library without a mesh: whoever was let in may read. */
export const openReadGate: ReadGate = { mayRead: () => true };

export interface PolicyReadGateOptions {
  readonly policy: () => ModelAccess | undefined;
  /** Undefined for a node that is no member, or was put out. */
  readonly roleOf: (nodeId: NodeId) => string | undefined;
}

/** Who has no role of its own is treated as a plain member. */
const LEAST = 'member';

export class PolicyReadGate implements ReadGate {
  readonly #options: PolicyReadGateOptions;

  constructor(options: PolicyReadGateOptions) {
    this.#options = options;
  }

  /** This machine's owner reads everything; a relay reads along, so both it and whom it asks for must be allowed. */
  mayRead(modelIds: Iterable<string>, asker: Asker): boolean {
    if (asker.kind === 'loopback') return true;
    const policy = this.#options.policy();
    if (policy === undefined) return true;
    const roles = this.#rolesOf(asker);
    for (const modelId of modelIds) if (roles.every((role) => mayRead(policy, modelId, role))) return true;
    return false;
  }

  #rolesOf({ role = LEAST, onBehalfOf }: Asker): string[] {
    if (onBehalfOf === undefined) return [role];
    return [role, (isNodeId(onBehalfOf) ? this.#options.roleOf(onBehalfOf) : undefined) ?? LEAST];
  }
}
