/** `/v1/blobs/{sha256}` and its piece list: what peers read. Spec: docs/spec/05-http.md §2. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BRIDGE_ROUTES } from '../api/index.ts';
import { isSha256, type Sha256 } from '../core/index.ts';
import type { BlobSender } from './blob-sender.ts';
import { ServerError } from './errors.ts';
import type { ServedContent } from './ports.ts';
import { contextOf } from './request-context.ts';

export interface BlobRouteOptions {
  readonly content: ServedContent;
  readonly sender: BlobSender;
}

const METHODS = ['GET', 'HEAD'];

export function mountBlobRoutes(app: FastifyInstance, { content, sender }: BlobRouteOptions): void {
  app.route({
    method: METHODS,
    url: BRIDGE_ROUTES.blob.path,
    config: { access: 'reader' },
    handler: async (request, reply) => {
      const takeOver = (): void => void reply.hijack();
      await sender.send(request.raw, reply.raw, { sha256: digestOf(request), takeOver });
    },
  });
  app.route({
    method: METHODS,
    url: BRIDGE_ROUTES.pieces.path,
    config: { access: 'reader' },
    handler: async (request, reply) => {
      const hashes = await piecesOf(content, request);
      return reply.type('application/octet-stream').header('cache-control', 'private, no-transform').send(hashes);
    },
  });
}

async function piecesOf(content: ServedContent, request: FastifyRequest): Promise<Buffer> {
  const { viewer } = contextOf(request.raw);
  const sha256 = digestOf(request);
  const open = viewer.kind !== 'stranger' || (await content.isPublicBlob(sha256));
  const hashes = open ? await content.pieceHashes(sha256, viewer) : undefined;
  if (hashes !== undefined) return Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength);
  throw new ServerError('blob_not_found', 'Reading a piece list: no such blob here, or not for whoever asks', {
    data: { sha256 },
  });
}

function digestOf(request: FastifyRequest): Sha256 {
  const text = String((request.params as { sha256?: unknown }).sha256).toLowerCase();
  if (isSha256(text)) return text;
  throw new ServerError('bad_request', 'Reading a blob’s name: wanted 64 hex digits of a SHA-256');
}
