/** Several runtimes as one: the first that knows a format is asked. Spec: docs/spec/17-deployment.md §5.1. */
import { RuntimeError } from './errors.ts';
import type { ProbeRequest, ProbeResult, RuntimeProbe } from './ports.ts';

export class ProbeChooser implements RuntimeProbe {
  readonly name = 'chooser';
  readonly #probes: readonly RuntimeProbe[];

  constructor(probes: readonly RuntimeProbe[]) {
    this.#probes = probes;
  }

  async canProbe(format: ProbeRequest['manifest']['format']): Promise<boolean> {
    return (await this.choose(format)) !== undefined;
  }

  async choose(format: ProbeRequest['manifest']['format']): Promise<RuntimeProbe | undefined> {
    for (const probe of this.#probes) if (await probe.canProbe(format)) return probe;
    return undefined;
  }

  async probe(request: ProbeRequest, signal: AbortSignal): Promise<ProbeResult> {
    const { format, model_id } = request.manifest;
    const probe = await this.choose(format);
    if (probe !== undefined) return probe.probe(request, signal);
    throw new RuntimeError('probe_not_started', `Trying ${model_id}: nothing here knows the format ${format}`);
  }
}
