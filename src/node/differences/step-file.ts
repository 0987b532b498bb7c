/** The file between two differences of a chain: in the home's `differences`, under no name of content, and gone when it was used. */
import { type FileHandle, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** Written in any order, read at random. Deleted when it is disposed of. */
export class StepFile implements AsyncDisposable {
  readonly #path: string;
  readonly #file: FileHandle;
  #sizeBytes = 0;

  private constructor(path: string, file: FileHandle) {
    this.#path = path;
    this.#file = file;
  }

  /** `name` is one that no other has at the same time. */
  static async open(folder: string, name: string): Promise<StepFile> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `${name}.tmp`);
    return new StepFile(path, await open(path, 'w+', 0o600));
  }

  get handle(): FileHandle {
    return this.#file;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async write(bytes: Buffer, position: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
    this.#sizeBytes = Math.max(this.#sizeBytes, position + bytes.length);
  }

  async read(buffer: Buffer, position: number): Promise<number> {
    return (await this.#file.read(buffer, 0, buffer.length, position)).bytesRead;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    await rm(this.#path, { force: true });
  }
}
