/** Loads a model and has it answer once. Runs in a probe's process only. Spec: docs/spec/17-deployment.md §5.6–5.8. */
import { messageOf } from '../../core/index.ts';
import type { Golden } from '../golden.ts';
import { checkOutputs } from './check-outputs.ts';
import type { Inferred } from './messages.ts';
import type { OnnxPackage, OnnxSession, OnnxTensor } from './onnx-package.ts';
import { Refusal } from './refusal.ts';
import { goldenFeeds, hasOpenDimensions, toNumbers, zeroFeeds } from './tensors.ts';

/** Sizes tried for dimensions that a model leaves open: most take 1; who halves an image many times needs more. */
const OPEN_SIZES = [1, 32, 224] as const;

export interface InferenceWork {
  readonly model: string | Uint8Array;
  readonly providers: readonly string[];
  readonly golden?: Golden | undefined;
}

/** Throws Refusal. */
export async function infer(
  runtime: OnnxPackage,
  { model, providers, golden }: InferenceWork,
): Promise<Pick<Inferred, 'loadMs' | 'inferMs'>> {
  const started = performance.now();
  const session = await load(runtime, model, providers);
  const loaded = performance.now();
  const declared = session.outputMetadata.filter((output) => output.isTensor);
  if (declared.length === 0) throw new Refusal('probe_failed', 'no output is a tensor', 'run');
  const names = declared.map(({ name }) => name);
  const outputs = await answer(runtime, session, names, golden);
  checkOutputs(declared, outputs, golden);
  return { loadMs: loaded - started, inferMs: performance.now() - loaded };
}

async function load({ InferenceSession }: OnnxPackage, model: string | Uint8Array, providers: readonly string[]) {
  try {
    return await InferenceSession.create(model, {
      executionProviders: providers,
      // One thread, and no arena that keeps more than it needs: this is a visit.
      intraOpNumThreads: 1,
      interOpNumThreads: 1,
      enableCpuMemArena: false,
      logSeverityLevel: 3,
    });
  } catch (thrown) {
    throw new Refusal('probe_failed', messageOf(thrown), 'load');
  }
}

async function answer(
  runtime: OnnxPackage,
  session: OnnxSession,
  names: readonly string[],
  golden: Golden | undefined,
): Promise<Record<string, OnnxTensor>> {
  const inputs = session.inputMetadata;
  if (golden !== undefined) return run(session, goldenFeeds(runtime, inputs, golden), names);
  const sizes = hasOpenDimensions(inputs) ? OPEN_SIZES : OPEN_SIZES.slice(0, 1);
  let first: unknown;
  for (const size of sizes) {
    try {
      return await run(session, zeroFeeds(runtime, inputs, size), names);
    } catch (thrown) {
      first ??= thrown;
    }
  }
  throw first;
}

async function run(session: OnnxSession, feeds: Record<string, OnnxTensor>, names: readonly string[]) {
  try {
    const outputs = Object.entries(await session.run(feeds, names));
    return Object.fromEntries(outputs.map(([name, tensor]) => [name, toNumbers(tensor)]));
  } catch (thrown) {
    throw new Refusal('probe_failed', messageOf(thrown), 'run');
  }
}
