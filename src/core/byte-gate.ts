/**
 * Lets bytes through at the rate somebody decided: before bytes are passed on, on either side of a connection. Who is
 * not held up gets no promise, so that the unlimited case costs a call and nothing more.
 */
export interface ByteGate {
  /** Resolves when `count` bytes may pass. Rejects when the signal comes first. */
  take(count: number, signal?: AbortSignal): void | Promise<void>;
  /** Bytes worth asking for at once, so that they leave evenly; undefined when it does not matter. May change at any time. */
  readonly sliceBytes?: number | undefined;
}

export const openGate: ByteGate = { take() {} };
