/** How far an import is, told often enough to be seen and no more. */
import type { Clock } from '../../core/index.ts';
import { PACKAGE_LIMITS } from './limits.ts';
import type { InstallProgress } from './ports.ts';

export interface ProgressOptions {
  readonly totalBytes: number;
  readonly clock: Clock;
  readonly emit: (event: InstallProgress) => void;
}

export class Progress {
  readonly #options: ProgressOptions;
  #doneBytes = 0;
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(options: ProgressOptions) {
    this.#options = options;
  }

  add(byteCount: number): void {
    this.#doneBytes += byteCount;
    const nowMs = this.#options.clock.monotonicMs();
    if (nowMs - this.#toldMs < PACKAGE_LIMITS.progressEveryMs) return;
    this.#toldMs = nowMs;
    this.#tell();
  }

  end(): void {
    if (this.#options.totalBytes > 0) this.#tell();
  }

  #tell(): void {
    const { totalBytes, emit } = this.#options;
    emit({ on: 'progress', doneBytes: Math.min(this.#doneBytes, totalBytes), totalBytes });
  }
}
