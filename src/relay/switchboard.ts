/**
 * Who is connected to the relay, who is reached through it, which pairs there are, and who may have another one.
 * Spec: docs/spec/13-relay.md §3, §5, §6. Knows sockets only to join and to close them.
 */
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Clock, Logger, NodeId } from '../core/index.ts';
import { ControlSession } from './control-session.ts';
import type { FairShares } from './fair-shares.ts';
import type { RelayLimits } from './limits.ts';
import type { ClientFrame, RelayFrame } from './messages.ts';
import type { PairToken } from './preamble.ts';
import { Splice, type SpliceEnd, type SpliceSummary } from './splice.ts';
import { type CompletePair, type PairParties, TokenDesk } from './token-desk.ts';
import type { UsageLedger } from './usage-ledger.ts';

export interface SwitchboardOptions {
  readonly limits: RelayLimits;
  readonly shares: FairShares;
  readonly ledger: UsageLedger;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onRefused: (reason: string) => void;
}

interface JoinedPair extends PairParties {
  readonly splice: Splice;
}

export class Switchboard {
  readonly #options: SwitchboardOptions;
  readonly #desk: TokenDesk;
  /** Oldest first. */
  readonly #sessions = new Set<ControlSession>();
  readonly #holders = new Map<NodeId, ControlSession>();
  readonly #joined = new Set<JoinedPair>();
  /** Pairs of a member, those being made included. */
  readonly #asked = new Map<NodeId, number>();
  readonly #held = new Map<NodeId, number>();
  /** The same of one asker and one holder, so that no member takes all places of another. */
  readonly #between = new Map<string, number>();

  constructor(options: SwitchboardOptions) {
    this.#options = options;
    this.#desk = new TokenDesk({
      tokenMs: options.limits.tokenMs,
      clock: options.clock,
      onComplete: (pair) => this.#join(pair),
      onGivenUp: (pair) => {
        options.onRefused('pair_incomplete');
        this.#countPair(pair, -1);
      },
    });
  }

  counts(): { readonly sessions: number; readonly holders: number; readonly pairs: number } {
    return { sessions: this.#sessions.size, holders: this.#holders.size, pairs: this.#joined.size };
  }

  /** A verified member's control connection. */
  addSession(nodeId: NodeId, socket: TLSSocket): void {
    const { limits, clock } = this.#options;
    if (this.#sessions.size >= limits.controlConnections) {
      this.#options.onRefused('control_connections');
      socket.destroy();
      return;
    }
    const own = [...this.#sessions].filter((session) => session.nodeId === nodeId);
    if (own.length >= limits.controlPerMember) own[0]?.close();
    const session = new ControlSession({
      ...{ nodeId, socket, limits, clock },
      onFrame: (frame, from) => from.send(this.#answer(frame, from)),
      onClose: (closed) => this.#removeSession(closed),
    });
    this.#sessions.add(session);
  }

  /** A data connection with its token; it is closed when nobody waits for it. */
  addData(side: 'asker' | 'holder', token: PairToken, socket: Socket, firstBytes?: Buffer): void {
    if (this.#desk.present(side, token, socket, firstBytes)) return;
    this.#options.onRefused('token');
    socket.destroy();
  }

  /** All that a member has here ends, whichever side it is on. */
  dropMember(nodeId: NodeId): void {
    for (const session of [...this.#sessions]) if (session.nodeId === nodeId) session.close();
    this.#desk.dropOf(nodeId);
    for (const { asker, holder, splice } of [...this.#joined])
      if (asker === nodeId || holder === nodeId) splice.end('stopped');
  }

  dropAll(): void {
    for (const session of [...this.#sessions]) session.close();
    this.#desk.close();
    for (const { splice } of [...this.#joined]) splice.end('stopped');
  }

  #answer(frame: ClientFrame, session: ControlSession): RelayFrame {
    if (frame.type === 'ping') return { type: 'pong' };
    if (frame.type === 'register') {
      this.#holders.set(session.nodeId, session);
      return { type: 'registered' };
    }
    const answer = this.#connect(session.nodeId, frame.target);
    if (answer.type === 'refused') this.#options.onRefused(answer.code);
    return { ...answer, id: frame.id };
  }

  #connect(asker: NodeId, target: NodeId): Extract<RelayFrame, { type: 'refused' }> | TokenAnswer {
    const { ledger, clock, limits } = this.#options;
    const holder = this.#holders.get(target);
    if (holder === undefined) return { type: 'refused', code: 'not_registered' };
    const waitMs = ledger.waitMs(asker, clock.nowMs());
    if (waitMs > 0) return { type: 'refused', code: 'over_quota', retry_after_s: Math.ceil(waitMs / 1000) };
    const isFull = this.#desk.size + this.#joined.size >= limits.pairs;
    const isCrowded =
      [this.#asked.get(asker), this.#held.get(target)].some((count = 0) => count >= limits.pairsPerMember) ||
      (this.#between.get(betweenOf({ asker, holder: target })) ?? 0) >= limits.pairsBetween;
    if (isFull || isCrowded) return { type: 'refused', code: 'busy', retry_after_s: 1 };
    const parties = { asker, holder: target };
    this.#countPair(parties, 1);
    const tokens = this.#desk.issue(parties);
    holder.send({ type: 'incoming', token: tokens.holder, from: asker });
    return { type: 'token', token: tokens.asker };
  }

  #join(pair: CompletePair): void {
    const { shares, ledger, clock, limits } = this.#options;
    const { asker, holder } = pair;
    const startedMs = clock.monotonicMs();
    const joined: JoinedPair = {
      ...{ asker, holder },
      splice: new Splice({
        ...{ asker: pair.askerSocket, holder: pair.holderSocket, firstBytes: pair.firstBytes, clock },
        gate: shares.gateOf(asker),
        spend: (bytes) => ledger.spend(asker, bytes, clock.nowMs()),
        idleMs: limits.pairIdleMs,
        bufferBytes: limits.bufferBytes,
        onEnd: (summary) => this.#onPairEnd(joined, summary, startedMs),
      }),
    };
    this.#joined.add(joined);
  }

  #onPairEnd(pair: JoinedPair, { why, toHolderBytes, toAskerBytes }: SpliceSummary, startedMs: number): void {
    this.#joined.delete(pair);
    this.#countPair(pair, -1);
    const { asker, holder } = pair;
    const durationMs = Math.round(this.#options.clock.monotonicMs() - startedMs);
    if (isRefusal(why)) this.#options.onRefused(why);
    this.#options.logger.info({ asker, holder, why, toHolderBytes, toAskerBytes, durationMs }, 'a relayed pair ended');
  }

  #removeSession(session: ControlSession): void {
    this.#sessions.delete(session);
    if (this.#holders.get(session.nodeId) === session) this.#holders.delete(session.nodeId);
  }

  #countPair({ asker, holder }: PairParties, change: 1 | -1): void {
    addTo(this.#asked, asker, change);
    addTo(this.#held, holder, change);
    addTo(this.#between, betweenOf({ asker, holder }), change);
  }
}

function betweenOf({ asker, holder }: PairParties): string {
  return `${asker} ${holder}`;
}

type TokenAnswer = Omit<Extract<RelayFrame, { type: 'token' }>, 'id'>;

function isRefusal(why: SpliceEnd): boolean {
  return why === 'idle' || why === 'over_quota';
}

function addTo<Key extends string>(counts: Map<Key, number>, key: Key, change: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + change;
  if (count > 0) counts.set(key, count);
  else counts.delete(key);
}
