/** `/v1/blobs/{sha256}/have`: which pieces are held here, and what changes. Spec: docs/spec/10-transfer.md §8, 05-http §2. */
import type { ServerResponse } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BRIDGE_ROUTES } from '../../api/index.ts';
import type { Clock, Sha256 } from '../../core/index.ts';
import { encodeHaveFrame, type HaveState, planHaveNews } from '../../protocol/index.ts';
import { digestOf } from '../blob-name.ts';
import { parseInput } from '../checked.ts';
import { ServerError } from '../errors.ts';
import type { ServerLimits } from '../limits.ts';
import type { ServedContent, ServedHolding, Viewer } from '../ports.ts';
import { contextOf } from '../request-context.ts';
import type { Following, HaveBook } from './have-book.ts';
import { Follower } from './tell-follower.ts';

export interface HaveRouteOptions {
  readonly content: ServedContent;
  readonly book: HaveBook;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly closing: AbortSignal;
}

const CONTENT_TYPE = 'application/octet-stream';

export function mountHaveRoute(app: FastifyInstance, options: HaveRouteOptions): void {
  const { openHolding } = options.content;
  // Content that is held whole or not at all needs no news: the path is not there, and says so.
  if (openHolding === undefined) return;
  app.route({
    method: 'GET',
    url: BRIDGE_ROUTES.have.path,
    config: { access: 'reader' },
    handler: async (request, reply) => {
      const { follow, root } = parseInput(BRIDGE_ROUTES.have.query, request.query, 'a query');
      const { viewer } = contextOf(request.raw);
      await using holding = await open(options.content, digestOf(request), viewer, root);
      const isMember = viewer.kind === 'peer' || viewer.kind === 'loopback';
      if (follow !== '1' || !isMember) return reply.type(CONTENT_TYPE).send(stateOf(holding));
      await sendNews(request, reply, holding, options);
      return reply;
    },
  });
}

async function open(
  content: ServedContent,
  sha256: Sha256,
  viewer: Viewer,
  root: string | undefined,
): Promise<ServedHolding> {
  const mayRead = viewer.kind !== 'stranger' || (await content.isPublicBlob(sha256));
  const holding = mayRead ? await content.openHolding?.(sha256, viewer) : undefined;
  if (holding !== undefined && isOfRoot(holding, root)) return holding;
  await holding?.[Symbol.asyncDispose]();
  throw new ServerError('blob_not_found', 'Asking what is held of a blob: none of it, or not for whoever asks', {
    data: { sha256 },
  });
}

/** One that does not know its root is asked for bytes, which show it. */
function isOfRoot({ pieceRoot }: ServedHolding, root: string | undefined): boolean {
  return root === undefined || pieceRoot === undefined || pieceRoot === root;
}

function stateOf(holding: ServedHolding): Buffer {
  const held = holding.held();
  if (held === undefined) throw new ServerError('blob_not_found', 'Asking what is held of a blob: it has just gone');
  const [first] = planHaveNews(undefined, { held, sent: new Uint8Array(0), others: 0 });
  return first === undefined ? Buffer.alloc(0) : encodeHaveFrame(first);
}

async function sendNews(
  { raw: request }: FastifyRequest,
  reply: FastifyReply,
  holding: ServedHolding,
  { book, limits, clock, closing }: HaveRouteOptions,
): Promise<void> {
  const context = contextOf(request);
  const { viewer } = context;
  const box: { follower?: Follower } = {};
  const onChange = (): void => box.follower?.changed();
  const { sha256, sizeBytes, pieceBytes } = holding;
  const nodeId = viewer.kind === 'peer' ? viewer.nodeId : undefined;
  const account = nodeId ?? viewer.kind;
  using following = book.follow({ sha256, sizeBytes, pieceBytes, nodeId, account, onChange });
  reply.hijack();
  writeHead(reply.raw);
  box.follower = new Follower({
    ...{ response: reply.raw, clock, closing, everyMs: limits.haveEveryMs },
    state: () => toState(holding, following),
    onWritten: (bytes) => {
      context.sentBytes += bytes;
    },
  });
  const stopListening = holding.onChange(onChange);
  await box.follower.tell();
  stopListening();
}

function toState(holding: ServedHolding, following: Following): HaveState | undefined {
  const held = holding.held();
  return held === undefined ? undefined : { held, sent: following.sent(), others: following.others() };
}

/** Neither a length nor chunks: the answer ends with its connection. */
function writeHead(response: ServerResponse): void {
  response.useChunkedEncodingByDefault = false;
  response.shouldKeepAlive = false;
  response.writeHead(200, { 'content-type': CONTENT_TYPE, 'cache-control': 'no-store' });
}
