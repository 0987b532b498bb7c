/** For formats without a runtime: a good header, and no word about more. Spec: docs/spec/17-deployment.md §5.1. */
import { dirname } from 'node:path';
import { messageOf } from '../core/index.ts';
import { RuntimeError } from './errors.ts';
import type { HeaderCheck, ProbeRequest, ProbeResult, RuntimeProbe } from './ports.ts';
import { toWords } from './words.ts';

export class HeaderProbe implements RuntimeProbe {
  readonly name = 'header';
  readonly #check: HeaderCheck;

  constructor(check: HeaderCheck) {
    this.#check = check;
  }

  async canProbe(): Promise<boolean> {
    return true;
  }

  async probe({ manifest, path }: ProbeRequest, signal: AbortSignal): Promise<ProbeResult> {
    const action = `Trying ${manifest.model_id} ${manifest.version}`;
    const started = performance.now();
    try {
      signal.throwIfAborted();
      await this.#check(path, manifest.format, signal);
    } catch (thrown) {
      if (signal.aborted) throw new RuntimeError('cancelled', `${action}: stopped`);
      throw new RuntimeError('probe_failed', `${action}: ${toWords(messageOf(thrown), dirname(path))}`, {
        cause: thrown,
      });
    }
    return { outcome: 'checked', runtime: this.name, durationMs: performance.now() - started };
  }
}
