/** A real, if useless, model for the examples: a valid safetensors file with one tensor. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Eight bytes with the header's length, the header as JSON, then the tensors' bytes. */
export async function writeTinyModel(path: string, tensorBytes: number): Promise<void> {
  const tensor = { dtype: 'U8', shape: [tensorBytes], data_offsets: [0, tensorBytes] };
  const header = Buffer.from(JSON.stringify({ weight: tensor }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await writeFile(path, Buffer.concat([length, header, randomBytes(tensorBytes)]));
}

/** A folder for one run; `await using` deletes it. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'atmosphere-example-'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}
