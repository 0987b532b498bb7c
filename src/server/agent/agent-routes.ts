/** The four routes of the agent port. No runtime exists in this version, and the answers say so. Spec: 05-http §10. */
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { ServerError } from '../errors.ts';
import type { AgentContent, AgentModel, AgentPull } from './ports.ts';

const swapSchema = z.object({ model: z.string().trim().min(1).max(300) });

export function mountAgentRoutes(app: FastifyInstance, content: AgentContent): void {
  app.get('/model/list', async () => content.listModels().map(toListRow));
  app.get('/model/status', async () => ({
    model: null,
    paramSize: 0,
    status: 'no_model',
    ollamaHealthy: false,
    ...pullOf(content),
  }));
  app.get('/model/pull/progress', async () => toProgress(content.currentPull()) ?? { status: 'idle' });
  app.post('/model/swap', async (request) => {
    const swap = swapSchema.safeParse(request.body);
    if (!swap.success) throw new ServerError('model_required', 'Swapping: the body names no model, {"model": ID}');
    throw new ServerError('no_runtime', `Swapping to ${swap.data.model}: this version has no runtime to load it with`);
  });
}

function toListRow({ modelId, paramsBillions, quantization, installed, source }: AgentModel): object {
  return {
    ...{ modelId, paramSize: paramsBillions },
    ...(quantization === undefined ? {} : { quantization }),
    ...{ installed, active: false, source },
  };
}

function pullOf(content: AgentContent): { pullProgress?: object } {
  const pullProgress = toProgress(content.currentPull());
  return pullProgress === undefined ? {} : { pullProgress };
}

function toProgress(pull: AgentPull | undefined): object | undefined {
  if (pull === undefined) return undefined;
  const { modelId, state, completedBytes, totalBytes, startedAtMs } = pull;
  const share = totalBytes === 0 ? 0 : Math.min(1, completedBytes / totalBytes);
  const progressPct = Math.floor(share * 1000) / 10;
  return { model: modelId, status: state, progressPct, completed: completedBytes, total: totalBytes, startedAtMs };
}
