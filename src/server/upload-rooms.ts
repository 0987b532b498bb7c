/**
 * Room for answers to members who fetch a blob together: few of them at once for each blob, so that a piece leaves soon and
 * can be passed on. Who does not follow the blob (§8) is never kept out, nor is anybody where few follow it: a lone reader,
 * curl, a browser. Spec: docs/spec/10-transfer.md §8.
 */
import type { Clock, Sha256 } from '../core/index.ts';
import { PROTOCOL_LIMITS, UploadSlots } from '../protocol/index.ts';
import { ServerError } from './errors.ts';
import type { Viewer } from './ports.ts';

/** Who fetches a blob here; `HaveBook` is one. */
export interface Crowd {
  /** Nodes that follow the blob; 0 unless this one does. */
  crowdOf(sha256: Sha256, nodeId: string): number;
}

export interface UploadRoom extends Disposable {
  /** So many bytes have left. */
  sent(bytes: number): void;
}

const noRoomNeeded: UploadRoom = { sent() {}, [Symbol.dispose]() {} };

/** Of one blob. */
interface Room {
  readonly slots: UploadSlots;
  /** Answers under way, by who is answered. */
  readonly answered: Map<string, number>;
  /** When somebody found no room, until there was some. */
  readonly waiting: Map<string, number>;
}

export class UploadRooms {
  readonly #crowd: Crowd;
  readonly #clock: Clock;
  readonly #rooms = new Map<Sha256, Room>();

  constructor(crowd: Crowd, clock: Clock) {
    this.#crowd = crowd;
    this.#clock = clock;
  }

  /** Throws ServerError `no_upload_room`. */
  enter(viewer: Viewer, sha256: Sha256): UploadRoom {
    const who = viewer.kind === 'peer' ? viewer.nodeId : '';
    const crowd = who === '' ? 0 : this.#crowd.crowdOf(sha256, who);
    if (crowd < PROTOCOL_LIMITS.slottedFollowers) return noRoomNeeded;
    const nowMs = this.#clock.monotonicMs();
    const room = this.#roomOf(sha256);
    const { slots, answered, waiting } = room;
    if (isGreedy(room, who, nowMs)) throw noRoom(slots);
    const leave = slots.enter(nowMs);
    if (leave === undefined) {
      waiting.set(who, nowMs);
      throw noRoom(slots);
    }
    waiting.delete(who);
    answered.set(who, (answered.get(who) ?? 0) + 1);
    return {
      sent: (bytes) => slots.sent(bytes, this.#clock.monotonicMs()),
      [Symbol.dispose]: once(() => {
        leave(this.#clock.monotonicMs());
        const left = (answered.get(who) ?? 1) - 1;
        if (left > 0) answered.set(who, left);
        else answered.delete(who);
      }),
    };
  }

  #roomOf(sha256: Sha256): Room {
    const known = this.#rooms.get(sha256);
    if (known !== undefined) return known;
    // What was learned of a blob that nobody reads now is forgotten first.
    for (const [old, { answered }] of this.#rooms) {
      if (this.#rooms.size < PROTOCOL_LIMITS.slottedBlobs) break;
      if (answered.size === 0) this.#rooms.delete(old);
    }
    const room: Room = { slots: new UploadSlots(), answered: new Map(), waiting: new Map() };
    this.#rooms.set(sha256, room);
    return room;
  }
}

/** Somebody has several places and wants another while others have found none. */
function isGreedy({ answered, waiting }: Room, who: string, nowMs: number): boolean {
  if ((answered.get(who) ?? 0) < PROTOCOL_LIMITS.uploadPlacesPerNode) return false;
  for (const [other, atMs] of waiting) {
    // It has not come again: it found the bytes elsewhere.
    if (nowMs - atMs > 2 * PROTOCOL_LIMITS.maxUploadRetryMs) waiting.delete(other);
    else if (other !== who) return true;
  }
  return false;
}

function once(act: () => void): () => void {
  let isDone = false;
  return () => {
    if (!isDone) act();
    isDone = true;
  };
}

function noRoom({ taken, retryMs }: UploadSlots): ServerError {
  return new ServerError('no_upload_room', `Reading a blob: ${taken} of those who fetch it are being answered`, {
    data: { retry_after_s: Math.ceil(retryMs / 1000), retry_after_ms: retryMs },
  });
}
