/**
 * The process of one probe: reads a task from stdin, answers with one line, and is then killed by the node. What a model does to
 * the runtime, it does here. Spec: docs/spec/17-deployment.md §5.2.
 */
import { realpath } from 'node:fs/promises';
import { dirname } from 'node:path';
import { text } from 'node:stream/consumers';
import { Worker } from 'node:worker_threads';
import { messageOf, siblingModule } from '../../core/index.ts';
import { toWords } from '../words.ts';
import { infer } from './infer.ts';
import { look } from './look.ts';
import type { ProbeAnswer, ProbeTask, Refused } from './messages.ts';
import { loadOnnxPackage, type OnnxPackage } from './onnx-package.ts';
import { Refusal } from './refusal.ts';

new Worker(siblingModule(import.meta.url, 'orphan-worker'), { workerData: Number(process.argv[2]), execArgv: [] });
const task = JSON.parse(await text(process.stdin)) as ProbeTask;
const answer = await answerTo(task);
process.stdout.write(`${JSON.stringify(answer)}\n`);

async function answerTo(asked: ProbeTask): Promise<ProbeAnswer> {
  try {
    const runtime = await loadRuntime(asked.package);
    const version = runtime.env.versions.node ?? runtime.env.versions.common ?? 'unknown';
    if (asked.type === 'look') return { type: 'looked', version, providers: await look(runtime, asked.only) };
    const { path: model, providers, golden } = asked;
    const times = await infer(runtime, { model, providers, golden });
    const peakBytes = process.resourceUsage().maxRSS * 1024;
    return { type: 'inferred', version, provider: providers[0] ?? 'cpu', ...times, peakBytes };
  } catch (thrown) {
    return toRefused(thrown, asked.type === 'infer' ? await foldersOf(asked.path) : []);
  }
}

async function loadRuntime(name: string): Promise<OnnxPackage> {
  try {
    return await loadOnnxPackage(name);
  } catch (thrown) {
    throw new Refusal('no_runtime', messageOf(thrown));
  }
}

function toRefused(thrown: unknown, folders: readonly string[]): Refused {
  const { code = 'probe_failed', phase } = thrown instanceof Refusal ? thrown : {};
  return {
    type: 'refused',
    code,
    message: toWords(messageOf(thrown), ...folders),
    ...(phase === undefined ? {} : { phase }),
  };
}

/** Where the model lies, by its name and in fact: nobody else's business. */
async function foldersOf(path: string): Promise<string[]> {
  return [dirname(path), dirname(await realpath(path).catch(() => path))];
}
