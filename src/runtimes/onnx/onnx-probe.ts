/**
 * ONNX Runtime as a probe. The runtime never runs in the node: each probe is a process of its own, which a model may crash, hang or
 * fill without harm. Without the package there is no such probe, and nothing else changes. Spec: docs/spec/17-deployment.md §5.
 */
import { totalmem } from 'node:os';
import { MiB, messageOf, siblingModule } from '../../core/index.ts';
import { type Allowance, allowanceFor } from '../allowance.ts';
import { RuntimeError } from '../errors.ts';
import { goldenOf } from '../golden.ts';
import type { ProbeRequest, ProbeResult, RuntimeProbe, RuntimeState } from '../ports.ts';
import { type ProbeAnswer, type ProbeTask, parseAnswer, toRuntimeError } from './messages.ts';
import { findModelFile } from './model-file.ts';
import { ONNX_PACKAGE } from './onnx-package.ts';
import { runChild } from './run-child.ts';

export interface OnnxProbeOptions {
  /** Another package of the same interface; for tests. */
  readonly package?: string;
  /** Another program in place of the probe's own; for tests of what a broken one does. */
  readonly childModule?: URL;
  /** Instead of what the model's size allows. */
  readonly allowance?: Partial<Allowance>;
}

const NEVER = new AbortController().signal;

/** Providers that are used where they load; `cpu` is always there. */
const PREFERRED = ['tensorrt', 'cuda', 'coreml', 'dml'] as const;

export class OnnxProbe implements RuntimeProbe {
  readonly name = 'onnxruntime';
  readonly #package: string;
  readonly #module: URL;
  readonly #allowance: Partial<Allowance>;
  /** Found out once: what is installed does not change under a running node. */
  #state: Promise<RuntimeState> | undefined;

  constructor({ package: name = ONNX_PACKAGE, childModule, allowance = {} }: OnnxProbeOptions = {}) {
    this.#package = name;
    this.#module = childModule ?? siblingModule(import.meta.url, 'probe-child');
    this.#allowance = allowance;
  }

  async canProbe(format: ProbeRequest['manifest']['format']): Promise<boolean> {
    return format === 'onnx' && 'version' in (await this.state());
  }

  /** Version and the execution providers that really load here, or why there is no runtime. Never throws. */
  state(): Promise<RuntimeState> {
    this.#state ??= this.#look();
    return this.#state;
  }

  async executionProviders(): Promise<readonly string[]> {
    const state = await this.state();
    return 'version' in state ? state.executionProviders : [];
  }

  async probe({ manifest, path }: ProbeRequest, signal: AbortSignal): Promise<ProbeResult> {
    const started = performance.now();
    const golden = goldenOf(manifest);
    const action = `Trying ${manifest.model_id} ${manifest.version}`;
    const file = await findModelFile(action, path, manifest.file);
    const providers = await this.#chosenProviders();
    const task: ProbeTask = { type: 'infer', package: this.#package, path: file.path, providers, golden };
    const neededBytes = (manifest.needs?.min_memory_mb ?? 0) * MiB;
    const allowance = allowanceFor(file.totalBytes, machineBytes(), neededBytes);
    const { answer, peakBytes } = await this.#ask(action, task, allowance, signal);
    if (answer.type !== 'inferred') throw new RuntimeError('probe_crashed', `${action}: it answered another question`);
    return {
      outcome: 'loaded',
      runtime: `${this.name} ${answer.version}`,
      durationMs: performance.now() - started,
      loadMs: answer.loadMs,
      inferMs: answer.inferMs,
      golden: golden !== undefined && Object.keys(golden.outputs).length > 0,
      executionProvider: answer.provider,
      peakMemoryBytes: Math.max(peakBytes, answer.peakBytes),
    };
  }

  async #ask(action: string, task: ProbeTask, usual: Allowance, signal: AbortSignal) {
    const allowance = { ...usual, ...this.#allowance };
    const { line, peakBytes } = await runChild({ module: this.#module, task, allowance, action }, signal);
    const answer: ProbeAnswer = parseAnswer(line);
    if (answer.type === 'refused') throw toRuntimeError(action, answer);
    return { answer, peakBytes };
  }

  async #chosenProviders(): Promise<readonly string[]> {
    const loading = await this.executionProviders();
    return [...PREFERRED.filter((name) => loading.includes(name)), 'cpu'];
  }

  /** A driver that crashes its process must not cost the others: then only the processor is looked at. */
  async #look(): Promise<RuntimeState> {
    try {
      return await this.#lookAt(undefined).catch(() => this.#lookAt(['cpu']));
    } catch (thrown) {
      // No package is a lasting answer; too little time or memory for the look is not.
      if (!(thrown instanceof RuntimeError && thrown.code === 'probe_not_started')) this.#state = undefined;
      return { missing: messageOf(thrown) };
    }
  }

  async #lookAt(only: readonly string[] | undefined): Promise<RuntimeState> {
    const task: ProbeTask = { type: 'look', package: this.#package, ...(only === undefined ? {} : { only }) };
    const { answer } = await this.#ask('Looking for ONNX Runtime', task, allowanceFor(0, machineBytes()), NEVER);
    if (answer.type !== 'looked') return { missing: 'it answered another question' };
    const { version, providers } = answer;
    return providers.includes('cpu') ? { version, executionProviders: providers } : { missing: 'it does not answer' };
  }
}

/** What this process may have: a container's bound, where there is one. */
function machineBytes(): number {
  const bound = process.constrainedMemory();
  return bound > 0 ? Math.min(bound, totalmem()) : totalmem();
}
