/** What a reader sees of a file: its size, and bytes at a place. Spec: docs/spec/07-formats.md §1. */
export interface HeaderSource {
  readonly sizeBytes: number;
  /** Fills `buffer` from `position`; returns the bytes read, short only at the end. */
  read(buffer: Buffer, position: number): Promise<number>;
}

/** A file that is in memory. */
export function bufferSource(bytes: Buffer): HeaderSource {
  return {
    sizeBytes: bytes.length,
    read: async (buffer, position) => bytes.copy(buffer, 0, position),
  };
}
