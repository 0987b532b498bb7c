/** `/v1/blobs/{sha256}` and its piece list: what peers read. Spec: docs/spec/05-http.md §2. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BRIDGE_ROUTES } from '../api/index.ts';
import { digestOf } from './blob-name.ts';
import type { BlobSender } from './blob-sender.ts';
import { parseInput } from './checked.ts';
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
  const { root } = parseInput(BRIDGE_ROUTES.pieces.query, request.query, 'a query');
  const open = viewer.kind !== 'stranger' || (await content.isPublicBlob(sha256));
  const hashes = open ? await content.pieceHashes(sha256, viewer, root) : undefined;
  if (hashes !== undefined) return Buffer.from(hashes.buffer, hashes.byteOffset, hashes.byteLength);
  throw new ServerError('blob_not_found', 'Reading a piece list: no such blob here, or not for whoever asks', {
    data: { sha256 },
  });
}
