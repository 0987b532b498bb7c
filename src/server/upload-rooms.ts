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

export class UploadRooms {
  readonly #crowd: Crowd;
  readonly #clock: Clock;
  readonly #slots = new Map<Sha256, UploadSlots>();

  constructor(crowd: Crowd, clock: Clock) {
    this.#crowd = crowd;
    this.#clock = clock;
  }

  /** Throws ServerError `no_upload_room`. */
  enter(viewer: Viewer, sha256: Sha256): UploadRoom {
    const crowd = viewer.kind === 'peer' ? this.#crowd.crowdOf(sha256, viewer.nodeId) : 0;
    if (crowd < PROTOCOL_LIMITS.slottedFollowers) return noRoomNeeded;
    const slots = this.#slotsOf(sha256);
    const leave = slots.enter(this.#clock.monotonicMs());
    if (leave === undefined) throw noRoom(slots);
    return {
      sent: (bytes) => slots.sent(bytes, this.#clock.monotonicMs()),
      [Symbol.dispose]: () => leave(this.#clock.monotonicMs()),
    };
  }

  #slotsOf(sha256: Sha256): UploadSlots {
    const known = this.#slots.get(sha256);
    if (known !== undefined) return known;
    // What was learned of a blob that nobody reads now is forgotten first.
    for (const [old, { taken }] of this.#slots) {
      if (this.#slots.size < PROTOCOL_LIMITS.slottedBlobs) break;
      if (taken === 0) this.#slots.delete(old);
    }
    const slots = new UploadSlots();
    this.#slots.set(sha256, slots);
    return slots;
  }
}

function noRoom({ taken, retryMs }: UploadSlots): ServerError {
  return new ServerError('no_upload_room', `Reading a blob: ${taken} of those who fetch it are being answered`, {
    data: { retry_after_s: Math.ceil(retryMs / 1000), retry_after_ms: retryMs },
  });
}
