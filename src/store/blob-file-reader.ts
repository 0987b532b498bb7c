/**
 * Reads one file as a blob. The descriptor is shared by the reader and its streams and closes with the last of them, never
 * under a running read. An adopted file's state is compared after every read and before the bytes are passed on, so that
 * nothing of a changed file leaves this object. Spec: docs/spec/06-store.md §2.
 */
import { close, constants, open } from 'node:fs';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { StoreError, toStoreError } from './errors.ts';
import { fileStateOf, isAbsence, isSameState, readFully } from './files.ts';
import { STORE_LIMITS } from './limits.ts';
import type { BlobPlace, BlobReader } from './ports.ts';

const openFd = promisify(open);
const closeFd = promisify(close);
// Without O_NONBLOCK a FIFO that took the file's path would hang the opening.
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** Throws `blob_not_found` when the path is empty, `blob_changed` when it has something else; then the place is void. */
export async function openBlobFile(place: BlobPlace, onChanged: () => void): Promise<BlobReader> {
  let fd: number;
  try {
    fd = await openFd(place.path, READ_FLAGS);
  } catch (thrown) {
    if (!isAbsence(thrown)) throw toStoreError(`Opening ${place.path}`, thrown);
    onChanged();
    throw new StoreError('blob_not_found', `Opening ${place.path}: there is no such file`, { cause: thrown });
  }
  const file = new SharedFile(fd, place, onChanged);
  try {
    file.assertUnchanged();
  } catch (thrown) {
    await file.release();
    throw thrown;
  }
  return new BlobFileReader(file, place.sizeBytes);
}

/** A descriptor with a count of its holders. */
class SharedFile {
  readonly #fd: number;
  readonly #place: BlobPlace;
  readonly #onChanged: () => void;
  #holders = 1;

  constructor(fd: number, place: BlobPlace, onChanged: () => void) {
    this.#fd = fd;
    this.#place = place;
    this.#onChanged = onChanged;
  }

  hold(): void {
    this.#holders += 1;
  }

  async release(): Promise<void> {
    this.#holders -= 1;
    if (this.#holders === 0) await closeFd(this.#fd);
  }

  /** Fills `buffer`, never past the blob's end, and vouches for the bytes. */
  async read(buffer: Buffer, position: number): Promise<number> {
    const wanted = Math.max(0, Math.min(buffer.length, this.#place.sizeBytes - position));
    this.hold();
    try {
      const count = await readFully(this.#fd, buffer.subarray(0, wanted), position);
      this.assertUnchanged();
      if (count < wanted) throw this.#changed();
      return count;
    } catch (thrown) {
      throw toStoreError(`Reading ${this.#place.path}`, thrown);
    } finally {
      await this.release();
    }
  }

  assertUnchanged(): void {
    const { state, sizeBytes } = this.#place;
    const now = fileStateOf(this.#fd);
    if (state === undefined ? now.sizeBytes === sizeBytes : isSameState(now, state)) return;
    throw this.#changed();
  }

  #changed(): StoreError {
    this.#onChanged();
    return new StoreError('blob_changed', `Reading ${this.#place.path}: the file is not the one that was hashed`, {
      data: { sha256: this.#place.sha256, path: this.#place.path },
    });
  }
}

class BlobFileReader implements BlobReader {
  readonly sizeBytes: number;
  readonly #file: SharedFile;
  #closed: Promise<void> | undefined;

  constructor(file: SharedFile, sizeBytes: number) {
    this.#file = file;
    this.sizeBytes = sizeBytes;
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    this.#assertOpen();
    if (!Number.isSafeInteger(position) || position < 0) throw outOfRange(position, position, this.sizeBytes);
    return this.#file.read(buffer, position);
  }

  stream(start: number, end: number): Readable {
    this.#assertOpen();
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || start > end || end > this.sizeBytes)
      throw outOfRange(start, end, this.sizeBytes);
    return new BlobFileStream(this.#file, start, end);
  }

  close(): Promise<void> {
    this.#closed ??= this.#file.release();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #assertOpen(): void {
    if (this.#closed !== undefined) throw new StoreError('store_closed', 'Reading a blob: the reader is closed');
  }
}

class BlobFileStream extends Readable {
  readonly #file: SharedFile;
  readonly #end: number;
  #position: number;

  constructor(file: SharedFile, start: number, end: number) {
    super({ highWaterMark: STORE_LIMITS.streamChunkBytes });
    this.#file = file;
    this.#position = start;
    this.#end = end;
    file.hold();
  }

  override _read(): void {
    const wanted = Math.min(STORE_LIMITS.streamChunkBytes, this.#end - this.#position);
    if (wanted === 0) {
      this.push(null);
      return;
    }
    // A chunk goes to a consumer that may keep it: it cannot be reused.
    const chunk = Buffer.allocUnsafeSlow(wanted);
    this.#file.read(chunk, this.#position).then(
      () => {
        this.#position += wanted;
        this.push(chunk);
      },
      (thrown: Error) => this.destroy(thrown),
    );
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#file.release().then(
      () => callback(error),
      (thrown: Error) => callback(error ?? thrown),
    );
  }
}

function outOfRange(start: number, end: number, sizeBytes: number): StoreError {
  return new StoreError('out_of_range', `Reading a blob: bytes ${start} to ${end}, it has ${sizeBytes}`);
}
