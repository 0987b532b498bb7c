/** What a `model_request` means here: which bytes, and what the start says of them. Spec: docs/spec/14-websocket.md §2. */
import { createHash } from 'node:crypto';
import { type Sha256, systemCodeOf } from '../core/index.ts';
import type { TransferRequest, TransferStart } from '../protocol/index.ts';
import { ServerError } from './errors.ts';
import type { ServedBlob, ServedContent, ServedModel, Viewer } from './ports.ts';

export interface RequestedBytes {
  readonly blob: ServedBlob;
  readonly sha256: Sha256;
  readonly metadata: TransferStart['metadata'];
}

/** Throws ServerError, or what opening a blob throws. The caller closes the blob. */
export async function openRequested(
  content: ServedContent,
  request: TransferRequest,
  viewer: Viewer,
): Promise<RequestedBytes> {
  const model = await findModel(content, request, viewer);
  const sha256 = request.sha256 ?? (await onlyFileOf(content, request, model));
  const open = viewer.kind !== 'stranger' || (await content.isPublicBlob(sha256));
  const blob = open ? await openBlob(content, request, sha256, viewer) : undefined;
  if (blob !== undefined) return { blob, sha256, metadata: model === undefined ? {} : metadataOf(model) };
  throw new ServerError('blob_not_found', 'Reading a blob: no such blob here, or not for whoever asks', {
    data: { sha256 },
  });
}

async function findModel(
  content: ServedContent,
  { model_id, version }: TransferRequest,
  viewer: Viewer,
): Promise<ServedModel | undefined> {
  const model = await content.getModel(model_id, viewer, version);
  return model !== undefined && (model.public || viewer.kind !== 'stranger') ? model : undefined;
}

async function onlyFileOf(
  content: ServedContent,
  { model_id }: TransferRequest,
  model: ServedModel | undefined,
): Promise<Sha256> {
  const data = { model_id };
  if (model === undefined)
    throw new ServerError('model_not_found', `Looking for ${model_id}: no such model here, or not for whoever asks`, {
      data,
    });
  const [file, ...others] = await content.listFiles(model);
  if (file !== undefined && others.length === 0) return file.sha256;
  const count = file === undefined ? 0 : others.length + 1;
  throw new ServerError('file_required', `Sending ${model_id}: it has ${count} files; name one by its sha256`, {
    data,
  });
}

async function openBlob(
  content: ServedContent,
  request: TransferRequest,
  sha256: Sha256,
  viewer: Viewer,
): Promise<ServedBlob | undefined> {
  if (request.content !== 'pieces') return await content.openBlob(sha256, viewer);
  const hashes = await content.pieceHashes(sha256, viewer);
  return hashes === undefined ? undefined : blobOf(hashes);
}

function blobOf(bytes: Uint8Array): ServedBlob {
  return {
    sizeBytes: bytes.length,
    async read(buffer, position) {
      const part = bytes.subarray(position, position + buffer.length);
      buffer.set(part);
      return part.length;
    },
    async close() {},
  };
}

function metadataOf({ entry }: ServedModel): TransferStart['metadata'] {
  const { name, type, format, classes } = entry;
  return { name, type, format, ...(classes === undefined ? {} : { classes }) };
}

/** Lower-case hex. */
export function digestOf(bytes: Buffer): Sha256 {
  return createHash('sha256').update(bytes).digest('hex') as Sha256;
}

const PASSED_ON: ReadonlySet<string> = new Set(['blob_not_found', 'not_held_yet', 'not_permitted']);

/** The code a cancel carries for what went wrong here; `internal` for what nobody foresaw. */
export function cancelCodeOf(thrown: unknown): string {
  if (thrown instanceof ServerError) return thrown.code;
  const code = systemCodeOf(thrown);
  if (code === 'blob_changed') return 'content_gone';
  return code !== undefined && PASSED_ON.has(code) ? code : 'internal';
}
