/** `/v1/blobs/{sha256}/difference`: what makes a blob of one that the asker has. Spec: docs/spec/22-differences.md §7.1. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { BRIDGE_ROUTES } from '../api/index.ts';
import type { Sha256 } from '../core/index.ts';
import { type DifferenceAnswer, encodeDifferenceAnswer } from '../protocol/index.ts';
import { digestOf } from './blob-name.ts';
import { parseInput } from './checked.ts';
import { ServerError } from './errors.ts';
import type { ServedContent } from './ports.ts';
import { contextOf } from './request-context.ts';

export function mountDifferenceRoute(app: FastifyInstance, content: ServedContent): void {
  if (content.difference === undefined) return;
  app.route({
    method: 'GET',
    url: BRIDGE_ROUTES.difference.path,
    config: { access: 'reader' },
    handler: async (request, reply) => {
      const answer = await differenceOf(content, request);
      return reply
        .code(answer.state === 'made' ? 200 : 202)
        .type('application/json')
        .send(encodeDifferenceAnswer(answer));
    },
  });
}

/** Strangers read what is public, and make nobody work. */
async function differenceOf(content: ServedContent, request: FastifyRequest): Promise<DifferenceAnswer> {
  const { viewer } = contextOf(request.raw);
  const sha256 = digestOf(request);
  const { base, made } = parseInput(BRIDGE_ROUTES.difference.query, request.query, 'a query');
  const question = { bases: base.split(',') as Sha256[], madeOnly: made === '1' };
  const answer = viewer.kind === 'stranger' ? undefined : await content.difference?.(sha256, question, viewer);
  if (answer !== undefined) return answer;
  const what = 'Asking for a difference: there is none from those, and none is made here, or not for whoever asks';
  throw new ServerError('blob_not_found', what, { data: { sha256 } });
}
