/**
 * Pairs that are being made: two tokens, two sockets, a few seconds. Spec: docs/spec/13-relay.md §5.
 * Owns a socket from the moment its token was taken until the pair is complete, is given up, or the desk closes.
 */
import type { Socket } from 'node:net';
import type { Clock, NodeId } from '../core/index.ts';
import { makeToken, type PairToken } from './preamble.ts';

export interface PairParties {
  readonly asker: NodeId;
  readonly holder: NodeId;
}

export interface CompletePair extends PairParties {
  readonly askerSocket: Socket;
  readonly holderSocket: Socket;
  /** The asker's ClientHello. */
  readonly firstBytes: Buffer;
}

export interface PairTokens {
  readonly asker: PairToken;
  readonly holder: PairToken;
}

interface PendingPair extends PairParties {
  readonly tokens: PairTokens;
  readonly cancelTimer: () => void;
  askerSocket?: Socket;
  holderSocket?: Socket;
  firstBytes: Buffer;
}

export interface TokenDeskOptions {
  readonly tokenMs: number;
  readonly clock: Clock;
  readonly onComplete: (pair: CompletePair) => void;
  readonly onGivenUp: (pair: PairParties) => void;
}

export class TokenDesk {
  readonly #options: TokenDeskOptions;
  /** Under each token that was not used yet. */
  readonly #byToken = new Map<PairToken, PendingPair>();
  readonly #pending = new Set<PendingPair>();

  constructor(options: TokenDeskOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#pending.size;
  }

  issue(parties: PairParties): PairTokens {
    const tokens = { asker: makeToken(), holder: makeToken() };
    const cancelTimer = this.#options.clock.after(this.#options.tokenMs, () => this.#giveUp(pair));
    const pair: PendingPair = { ...parties, tokens, cancelTimer, firstBytes: Buffer.alloc(0) };
    this.#pending.add(pair);
    this.#byToken.set(tokens.asker, pair);
    this.#byToken.set(tokens.holder, pair);
    return tokens;
  }

  /** Takes over a paused socket that came with a token; false when the token is unknown, used, or of the other side. */
  present(side: 'asker' | 'holder', token: PairToken, socket: Socket, firstBytes: Buffer = Buffer.alloc(0)): boolean {
    const pair = this.#byToken.get(token);
    if (pair === undefined || pair.tokens[side] !== token) return false;
    this.#byToken.delete(token);
    socket.once('close', () => this.#giveUp(pair));
    if (side === 'asker') Object.assign(pair, { askerSocket: socket, firstBytes });
    else pair.holderSocket = socket;
    this.#completeWhenWhole(pair);
    return true;
  }

  /** A member that is out, or a holder that is gone. */
  dropOf(nodeId: NodeId): void {
    for (const pair of [...this.#pending]) if (pair.asker === nodeId || pair.holder === nodeId) this.#giveUp(pair);
  }

  close(): void {
    for (const pair of [...this.#pending]) this.#giveUp(pair);
  }

  #completeWhenWhole(pair: PendingPair): void {
    const { asker, holder, askerSocket, holderSocket, firstBytes } = pair;
    if (askerSocket === undefined || holderSocket === undefined) return;
    this.#forget(pair);
    this.#options.onComplete({ asker, holder, askerSocket, holderSocket, firstBytes });
  }

  #giveUp(pair: PendingPair): void {
    if (!this.#pending.has(pair)) return;
    this.#forget(pair);
    pair.askerSocket?.destroy();
    pair.holderSocket?.destroy();
    this.#options.onGivenUp(pair);
  }

  #forget(pair: PendingPair): void {
    this.#pending.delete(pair);
    this.#byToken.delete(pair.tokens.asker);
    this.#byToken.delete(pair.tokens.holder);
    pair.cancelTimer();
  }
}
