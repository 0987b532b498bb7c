/**
 * Forwards transfers between WebSockets of two members. Knows of a message its type, its request and, of a request, its
 * target; reads no bytes. What members control: how fast they send and read; a transfer that piles up is ended, others are
 * not touched. Spec: docs/spec/14-websocket.md §6.
 */
import { type ByteGate, type Clock, type NodeId, openGate } from '../core/index.ts';
import { encodeTransferMessage, type TransferRequest } from '../protocol/index.ts';
import { RELAY_LIMITS, type RelayLimits } from './limits.ts';
import { costOf, type RelaySocket, WsOutlet, WsQueue } from './ws-queue.ts';

/** Who is at the other end of a socket, as verified. */
export interface RelayedViewer {
  readonly kind: string;
  readonly nodeId?: NodeId;
}

export type RelayRefusal = 'target_absent' | 'bad_request' | 'relay_quota';

export interface WsRelayHubOptions {
  readonly limits?: RelayLimits;
  readonly clock: Clock;
  /** The member's share of the rate; `FairShares` gives it. */
  readonly gateOf?: (member: string) => ByteGate;
  /** Counts, and says whether the member may go on; `UsageLedger` does. */
  readonly spend?: (member: string, bytes: number) => boolean;
}

interface Seat {
  readonly viewer: RelayedViewer;
  readonly member: string;
  readonly outlet: WsOutlet;
  readonly routes: Set<Route>;
}

interface Route {
  readonly requestId: string;
  readonly asker: Seat;
  readonly holder: Seat;
  readonly toAsker: WsQueue;
  readonly toHolder: WsQueue;
  movedAtMs: number;
}

/** One socket's side of the hub. */
export interface RelaySeat {
  /** True when the message belongs to two others and was taken care of. */
  forward(requestId: string, message: string | Buffer, type?: string): boolean;
  /** Why not, when the request goes nowhere. */
  request(request: TransferRequest): RelayRefusal | undefined;
  leave(): void;
}

export class WsRelayHub {
  readonly #options: WsRelayHubOptions;
  readonly #limits: RelayLimits;
  readonly #routes = new Map<string, Route>();
  /** The newest last. */
  readonly #links = new Map<NodeId, Seat[]>();
  readonly #routesOf = new Map<string, number>();
  #queuedBytes = 0;
  /** The same of each member, as a reader. */
  readonly #queuedFor = new Map<string, number>();
  #cancelSweep: (() => void) | undefined;

  constructor(options: WsRelayHubOptions) {
    this.#options = options;
    this.#limits = options.limits ?? RELAY_LIMITS;
  }

  /** `isLink`: requests for its node go there. Strangers get no seat. */
  join(viewer: RelayedViewer, socket: RelaySocket, isLink: boolean): RelaySeat | undefined {
    if (viewer.kind === 'stranger') return undefined;
    const member = nameOf(viewer);
    const onLeft = (bytes: number): void => this.#count(member, -bytes);
    const outlet = new WsOutlet(socket, this.#limits.wsUnwrittenBytes, onLeft);
    const seat: Seat = { viewer, member, outlet, routes: new Set() };
    const { nodeId } = viewer;
    if (isLink && nodeId !== undefined) this.#links.set(nodeId, [...(this.#links.get(nodeId) ?? []), seat]);
    return {
      forward: (requestId, message, type) => this.#forward(seat, requestId, message, type),
      request: (request) => this.#request(seat, request),
      leave: () => this.#leave(seat),
    };
  }

  counts(): { readonly links: number; readonly routes: number; readonly queuedBytes: number } {
    return { links: this.#links.size, routes: this.#routes.size, queuedBytes: this.#queuedBytes };
  }

  #request(asker: Seat, request: TransferRequest): RelayRefusal | undefined {
    const { gateOf = () => openGate, clock } = this.#options;
    const limits = this.#limits;
    const holder = this.#links.get(request.target_node_id as NodeId)?.at(-1);
    if (holder === undefined || holder === asker) return 'target_absent';
    const { request_id: requestId } = request;
    if (this.#routes.has(requestId)) return 'bad_request';
    const count = this.#routesOf.get(asker.member) ?? 0;
    const isFull = count >= limits.wsRoutesPerMember || this.#routes.size >= limits.wsRoutes;
    if (isFull || !this.#spend(asker, 0)) return 'relay_quota';
    const gate = gateOf(asker.member);
    const route: Route = {
      ...{ requestId, asker, holder, toAsker: new WsQueue(gate), toHolder: new WsQueue(gate) },
      movedAtMs: clock.monotonicMs(),
    };
    this.#routes.set(requestId, route);
    this.#routesOf.set(asker.member, count + 1);
    for (const seat of [asker, holder]) seat.routes.add(route);
    this.#sweepLater();
    this.#pass(route, holder, encodeTransferMessage({ ...request, requester_node_id: asker.member }));
    return undefined;
  }

  #forward(from: Seat, requestId: string, message: string | Buffer, type?: string): boolean {
    const route = this.#routes.get(requestId);
    if (route === undefined) return false;
    if (from !== route.asker && from !== route.holder) return true;
    route.movedAtMs = this.#options.clock.monotonicMs();
    if (this.#pass(route, from === route.asker ? route.holder : route.asker, message) && isLast(type)) this.#end(route);
    return true;
  }

  /** False when that was the end of the route. */
  #pass(route: Route, to: Seat, message: string | Buffer): boolean {
    const limits = this.#limits;
    const queue = to === route.asker ? route.toAsker : route.toHolder;
    const cost = costOf(message);
    const isOver =
      queue.bytes + cost > limits.wsRouteQueueBytes ||
      (this.#queuedFor.get(to.member) ?? 0) + cost > limits.wsMemberQueueBytes;
    if (isOver || this.#queuedBytes + cost > limits.wsQueueBytes) this.#cut(route, 'relay_overrun');
    else if (!this.#spend(route.asker, message.length)) this.#cut(route, 'relay_quota');
    else {
      this.#count(to.member, cost);
      to.outlet.push(queue, message);
      return true;
    }
    return false;
  }

  #count(member: string, change: number): void {
    this.#queuedBytes += change;
    const queued = (this.#queuedFor.get(member) ?? 0) + change;
    if (queued > 0) this.#queuedFor.set(member, queued);
    else this.#queuedFor.delete(member);
  }

  #spend({ member }: Seat, bytes: number): boolean {
    return this.#options.spend?.(member, bytes) ?? true;
  }

  /** What waits is forgotten; both sides are told. */
  #cut(route: Route, code: 'relay_overrun' | 'relay_quota' | 'target_absent', leaving?: Seat): void {
    this.#end(route);
    this.#count(route.asker.member, -route.toAsker.clear());
    this.#count(route.holder.member, -route.toHolder.clear());
    const about = { type: 'model_transfer_cancel', request_id: route.requestId, model_id: '' } as const;
    const message = `Relaying: ${WHY[code]}`;
    const text = encodeTransferMessage({ ...about, reason: 'network_error', message, cancelled_by: '', code });
    for (const seat of [route.asker, route.holder]) {
      if (seat === leaving) continue;
      this.#count(seat.member, costOf(text));
      seat.outlet.push(new WsQueue(openGate), text);
    }
  }

  /** What was queued still leaves. */
  #end(route: Route): void {
    if (!this.#routes.delete(route.requestId)) return;
    const { member } = route.asker;
    const left = (this.#routesOf.get(member) ?? 1) - 1;
    if (left === 0) this.#routesOf.delete(member);
    else this.#routesOf.set(member, left);
    for (const seat of [route.asker, route.holder]) seat.routes.delete(route);
  }

  #leave(seat: Seat): void {
    const { nodeId } = seat.viewer;
    const links = nodeId === undefined ? [] : (this.#links.get(nodeId) ?? []).filter((other) => other !== seat);
    if (nodeId !== undefined && links.length === 0) this.#links.delete(nodeId);
    else if (nodeId !== undefined) this.#links.set(nodeId, links);
    for (const route of [...seat.routes]) this.#cut(route, 'target_absent', seat);
    seat.outlet.close();
  }

  #sweepLater(): void {
    const { clock } = this.#options;
    const limits = this.#limits;
    this.#cancelSweep ??= clock.after(limits.wsRouteIdleMs / 2, () => {
      this.#cancelSweep = undefined;
      const oldestMs = clock.monotonicMs() - limits.wsRouteIdleMs;
      for (const route of [...this.#routes.values()]) if (route.movedAtMs <= oldestMs) this.#end(route);
      if (this.#routes.size > 0) this.#sweepLater();
    });
  }
}

const WHY = {
  relay_overrun: 'more waits for a reader than a window holds',
  relay_quota: 'this member has used up what it may move',
  target_absent: 'the other side has left',
};

function isLast(type: string | undefined): boolean {
  return type === 'model_transfer_cancel' || type === 'model_transfer_complete';
}

/** Whoever has no node of its own shares one account with its like: a member can make tokens of any name. */
function nameOf({ kind, nodeId }: RelayedViewer): string {
  return nodeId ?? kind;
}
