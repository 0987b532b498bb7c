/** How many blobs one peer, or one address, may read at a time. 05-http §5 no. 4. */
import { ServerError } from './errors.ts';
import type { Viewer } from './ports.ts';

export interface StreamLimits {
  readonly streamsPerPeer: number;
  readonly streamsPerStranger: number;
}

export class StreamGate {
  readonly #limits: StreamLimits;
  readonly #open = new Map<string, number>();

  constructor(limits: StreamLimits) {
    this.#limits = limits;
  }

  /** Returns the function that ends the stream's count. Throws ServerError `too_many_streams`. */
  enter(viewer: Viewer, address: string): () => void {
    const key = viewer.kind === 'peer' ? viewer.nodeId : `${viewer.kind} ${address}`;
    const most = viewer.kind === 'stranger' ? this.#limits.streamsPerStranger : this.#limits.streamsPerPeer;
    const held = this.#open.get(key) ?? 0;
    if (held >= most)
      throw new ServerError('too_many_streams', `Reading a blob: ${held} streams are open already, at most ${most}`, {
        data: { retry_after_s: 1 },
      });
    this.#open.set(key, held + 1);
    return () => this.#leave(key);
  }

  #leave(key: string): void {
    const left = (this.#open.get(key) ?? 1) - 1;
    if (left === 0) this.#open.delete(key);
    else this.#open.set(key, left);
  }
}
