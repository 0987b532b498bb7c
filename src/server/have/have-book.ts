/**
 * Who follows which blob here, and which pieces have been begun to be sent since then. A blob that nobody follows is
 * forgotten after a while, and where there are too many the longest unfollowed one goes first. Spec: 10-transfer §8.
 */
import { type Clock, type Sha256, systemClock } from '../../core/index.ts';
import { ServerError } from '../errors.ts';
import { SERVER_LIMITS, type ServerLimits } from '../limits.ts';
import { setBit } from './piece-bits.ts';

export interface FollowQuestion {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  readonly pieceBytes: number;
  /** Whose connections count as one follower; every connection of this machine is one of its own. */
  readonly nodeId: string | undefined;
  /** Who is counted for the bound on one peer. */
  readonly account: string;
  /** Something of it has changed. */
  readonly onChange: () => void;
}

export interface Following extends Disposable {
  /** A copy. */
  sent(): Uint8Array;
  /** Other followers of the blob. */
  others(): number;
}

interface FollowedBlob {
  readonly pieceBytes: number;
  readonly sent: Uint8Array;
  readonly followers: Set<FollowQuestion>;
  unfollowedMs: number;
}

export class HaveBook implements Disposable {
  readonly #limits: ServerLimits;
  readonly #clock: Clock;
  readonly #blobs = new Map<Sha256, FollowedBlob>();
  readonly #perAccount = new Map<string, number>();
  #follows = 0;
  #cancelSweep: (() => void) | undefined;

  constructor(limits: ServerLimits = SERVER_LIMITS, clock: Clock = systemClock) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Throws ServerError `too_many_streams`. */
  follow(question: FollowQuestion): Following {
    const { account, sha256 } = question;
    const held = this.#perAccount.get(account) ?? 0;
    const blob = this.#blobs.get(sha256);
    const { follows, followsPerPeer, followersPerBlob } = this.#limits;
    if (this.#follows >= follows || held >= followsPerPeer || (blob?.followers.size ?? 0) >= followersPerBlob)
      throw tooMany(held);
    const followed = blob ?? this.#remember(question);
    this.#follows += 1;
    this.#perAccount.set(account, held + 1);
    followed.followers.add(question);
    wake(followed);
    return {
      sent: () => followed.sent.slice(),
      others: () => othersOf(followed, question),
      [Symbol.dispose]: () => this.#leave(followed, question),
    };
  }

  /** Nodes and programs of this machine that follow the blob; 0 unless this node is one of them. */
  crowdOf(sha256: Sha256, nodeId: string): number {
    const { followers = [] } = this.#blobs.get(sha256) ?? {};
    const all = new Set<unknown>();
    for (const follower of followers) all.add(follower.nodeId ?? follower);
    return all.has(nodeId) ? all.size : 0;
  }

  /** Bytes [start, end) of the blob are about to be sent to somebody. */
  noteSending(sha256: Sha256, start: number, end: number): void {
    const blob = this.#blobs.get(sha256);
    if (blob === undefined) return;
    let isNews = false;
    for (let index = Math.floor(start / blob.pieceBytes); index * blob.pieceBytes < end; index += 1)
      isNews = setBit(blob.sent, index) || isNews;
    if (isNews) wake(blob);
  }

  [Symbol.dispose](): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #remember({ sha256, sizeBytes, pieceBytes }: FollowQuestion): FollowedBlob {
    this.#forgetUnfollowed();
    const sent = new Uint8Array(Math.ceil(Math.ceil(sizeBytes / pieceBytes) / 8));
    const blob: FollowedBlob = { pieceBytes, sent, followers: new Set(), unfollowedMs: 0 };
    this.#blobs.set(sha256, blob);
    return blob;
  }

  /** Blobs followed now are bounded by the follows. */
  #forgetUnfollowed(): void {
    const idle = [...this.#blobs].filter(([, { followers }]) => followers.size === 0);
    idle.sort(([, a], [, b]) => a.unfollowedMs - b.unfollowedMs);
    const oldestKept = this.#clock.monotonicMs() - this.#limits.sentKeptMs;
    const surplus = this.#blobs.size + 1 - this.#limits.followedBlobs;
    idle.forEach(([sha256, { unfollowedMs }], at) => {
      if (at < surplus || unfollowedMs <= oldestKept) this.#blobs.delete(sha256);
    });
  }

  #leave(blob: FollowedBlob, question: FollowQuestion): void {
    if (!blob.followers.delete(question)) return;
    this.#follows -= 1;
    const left = (this.#perAccount.get(question.account) ?? 1) - 1;
    if (left === 0) this.#perAccount.delete(question.account);
    else this.#perAccount.set(question.account, left);
    if (blob.followers.size === 0) blob.unfollowedMs = this.#clock.monotonicMs();
    wake(blob);
    this.#cancelSweep ??= this.#clock.after(this.#limits.sentKeptMs, () => this.#sweep());
  }

  #sweep(): void {
    this.#cancelSweep = undefined;
    this.#forgetUnfollowed();
    if (this.#blobs.size > 0) this.#cancelSweep = this.#clock.after(this.#limits.sentKeptMs, () => this.#sweep());
  }
}

function wake({ followers }: FollowedBlob): void {
  for (const { onChange } of followers) onChange();
}

/** A node that follows twice, as after a broken connection, is not its own neighbour. */
function othersOf({ followers }: FollowedBlob, me: FollowQuestion): number {
  const others = new Set<unknown>();
  for (const follower of followers)
    if (follower !== me && (me.nodeId === undefined || follower.nodeId !== me.nodeId))
      others.add(follower.nodeId ?? follower);
  return others.size;
}

function tooMany(held: number): ServerError {
  return new ServerError('too_many_streams', `Following a blob: too many do already, ${held} of them this peer`, {
    data: { retry_after_s: 5 },
  });
}
