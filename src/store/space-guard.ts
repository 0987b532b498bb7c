/**
 * Decides whether there is room for a part: free space less the reserve and what open parts will still take, and the quota.
 * One decision at a time, so that two downloads are not promised the same room. Spec: docs/spec/06-store.md §5.1.
 */
import type { Sha256 } from '../core/index.ts';
import { StoreError } from './errors.ts';
import type { BlobSpec, PartReader, PartStat } from './ports.ts';

export interface OpenPart {
  readonly spec: BlobSpec;
  /** Its room has been promised. */
  isAdmitted: boolean;
  /** Undefined while it is being opened. */
  writer:
    | { readonly heldBytes: number; close(): Promise<void>; openReader(): Promise<PartReader | undefined> }
    | undefined;
}

export interface RoomRequest {
  readonly sha256: Sha256;
  readonly sizeBytes: number;
  /** Already on the disk, from an earlier run. */
  readonly allocatedBytes: number;
}

export interface SpaceSources {
  readonly reserveBytes: number;
  readonly quotaBytes: number | undefined;
  freeBytes(): Promise<number>;
  ownedBytes(): number;
  /** Parts that nobody writes. */
  idleParts(): Promise<readonly PartStat[]>;
  openParts(): Iterable<OpenPart>;
}

export class SpaceGuard {
  readonly #sources: SpaceSources;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(sources: SpaceSources) {
    this.#sources = sources;
  }

  /** Calls `promise` within the decision. Throws `disk_full`, `quota_exceeded`. */
  admit(request: RoomRequest, promise: () => void = () => {}): Promise<void> {
    const decision = this.#turn.then(async () => {
      await this.#assertFree(request);
      await this.#assertQuota(request);
      promise();
    });
    this.#turn = decision.catch(() => {});
    return decision;
  }

  async #assertFree({ sha256, sizeBytes, allocatedBytes }: RoomRequest): Promise<void> {
    const { reserveBytes } = this.#sources;
    const freeBytes = await this.#sources.freeBytes();
    const promisedBytes = this.#promised(sha256).reduce(
      (sum, { spec, writer }) => sum + spec.sizeBytes - (writer?.heldBytes ?? 0),
      0,
    );
    const roomBytes = Math.max(0, freeBytes - promisedBytes - reserveBytes);
    const neededBytes = Math.max(0, sizeBytes - allocatedBytes);
    if (neededBytes <= roomBytes) return;
    throw new StoreError('disk_full', `Making room: ${neededBytes} bytes needed, ${roomBytes} free for models`, {
      data: { neededBytes, roomBytes, freeBytes, reserveBytes },
    });
  }

  async #assertQuota({ sha256, sizeBytes }: RoomRequest): Promise<void> {
    const { quotaBytes } = this.#sources;
    if (quotaBytes === undefined) return;
    const idle = (await this.#sources.idleParts()).filter((part) => part.sha256 !== sha256);
    const usedBytes =
      this.#sources.ownedBytes() +
      this.#promised(sha256).reduce((sum, { spec }) => sum + spec.sizeBytes, 0) +
      idle.reduce((sum, { heldBytes }) => sum + heldBytes, 0);
    if (usedBytes + sizeBytes <= quotaBytes) return;
    throw new StoreError('quota_exceeded', `Making room: ${sizeBytes} bytes more than ${usedBytes} of ${quotaBytes}`, {
      data: { sizeBytes, usedBytes, quotaBytes },
    });
  }

  #promised(butNot: Sha256): OpenPart[] {
    return [...this.#sources.openParts()].filter(({ spec, isAdmitted }) => isAdmitted && spec.sha256 !== butNot);
  }
}
