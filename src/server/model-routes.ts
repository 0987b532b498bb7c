/** `/v1/models`, one model, and its files' bytes. Spec: docs/spec/05-http.md §2. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { BRIDGE_ROUTES, type ModelCard } from '../api/index.ts';
import { type ModelId, messageOf } from '../core/index.ts';
import { parseModelId } from '../protocol/index.ts';
import type { BlobSender } from './blob-sender.ts';
import { parseInput } from './checked.ts';
import { attachmentOf } from './content-disposition.ts';
import { ServerError } from './errors.ts';
import type { ServedContent, ServedFile, ServedModel, Viewer } from './ports.ts';
import { contextOf } from './request-context.ts';

export interface ModelRouteOptions {
  readonly content: ServedContent;
  readonly sender: BlobSender;
}

const METHODS = ['GET', 'HEAD'];
const DOWNLOAD_PREFIX = '/v1/models/download/';
const MODEL_PREFIX = '/v1/models/';

export function mountModelRoutes(app: FastifyInstance, { content, sender }: ModelRouteOptions): void {
  app.route({
    method: METHODS,
    url: BRIDGE_ROUTES.models.path,
    config: { access: 'listing' },
    handler: async (request) => await listModels(content, contextOf(request.raw).viewer),
  });
  app.route({
    method: METHODS,
    url: BRIDGE_ROUTES.model.path,
    config: { access: 'reader' },
    handler: async (request) => {
      const { version } = parseInput(BRIDGE_ROUTES.model.query, request.query, 'a query');
      const model = await findModel(content, request, MODEL_PREFIX, version);
      return describe(model, await content.listFiles(model));
    },
  });
  app.route({
    method: METHODS,
    url: BRIDGE_ROUTES.download.path,
    config: { access: 'reader' },
    handler: async (request, reply) => await download(content, sender, request, reply),
  });
}

async function listModels(content: ServedContent, viewer: Viewer): Promise<object> {
  const all = await content.listModels(viewer);
  const models = viewer.kind === 'stranger' ? all.filter((model) => model.public) : all;
  return { object: 'list', data: models.map(cardOf), models: models.map(({ entry }) => entry) };
}

async function download(
  content: ServedContent,
  sender: BlobSender,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { version, file } = parseInput(BRIDGE_ROUTES.download.query, request.query, 'a query');
  const model = await findModel(content, request, DOWNLOAD_PREFIX, version);
  const { sha256, path } = chooseFile(model, await content.listFiles(model), file);
  await sender.send(request.raw, reply.raw, {
    sha256,
    headers: { 'content-disposition': attachmentOf(path) },
    takeOver: () => void reply.hijack(),
    isWholeModel: true,
  });
}

async function findModel(
  content: ServedContent,
  request: FastifyRequest,
  prefix: string,
  version: string | undefined,
): Promise<ServedModel> {
  const { viewer } = contextOf(request.raw);
  const id = idOf(request.raw.url ?? '', prefix);
  const model = await content.getModel(id, viewer, version);
  if (model !== undefined && (model.public || viewer.kind !== 'stranger')) return model;
  throw new ServerError('model_not_found', `Looking for ${id}: no such model here, or not for whoever asks`, {
    data: { model_id: id },
  });
}

/** From the URL as it was sent: a router would have taken `%2F` for a slash, or not. */
function idOf(url: string, prefix: string): ModelId {
  const path = url.split(/[?#]/, 1)[0] ?? '';
  try {
    return parseModelId(decodeURIComponent(path.slice(prefix.length)));
  } catch (cause) {
    throw new ServerError('bad_request', `Reading a model id: ${messageOf(cause)}`, { cause });
  }
}

function chooseFile(model: ServedModel, files: readonly ServedFile[], path: string | undefined): ServedFile {
  const chosen = path === undefined ? onlyFile(model, files) : files.find((file) => file.path === path);
  if (chosen !== undefined) return chosen;
  throw new ServerError('file_not_found', `Downloading ${model.entry.model_id}: it has no such file`, {
    data: { model_id: model.entry.model_id },
  });
}

function onlyFile(model: ServedModel, files: readonly ServedFile[]): ServedFile | undefined {
  if (files.length <= 1) return files[0];
  throw new ServerError(
    'file_required',
    `Downloading ${model.entry.model_id}: it has ${files.length} files, name one with ?file=`,
    {
      data: { model_id: model.entry.model_id, files: files.map((file) => file.path) },
    },
  );
}

function cardOf({ entry, createdMs }: ServedModel): ModelCard {
  const [organisation] = entry.model_id.split('/');
  const owned_by = organisation === undefined || organisation === entry.model_id ? 'atmosphere' : organisation;
  return { id: entry.model_id, object: 'model', created: Math.floor(createdMs / 1000), owned_by };
}

function describe(model: ServedModel, files: readonly ServedFile[]): object {
  const rows = files.map(({ path, sizeBytes, sha256 }) => ({ path, size_bytes: sizeBytes, sha256 }));
  return { ...model.entry, ...cardOf(model), files: rows };
}
