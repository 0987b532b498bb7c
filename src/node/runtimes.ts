/** What can try models on this machine: ONNX Runtime where it is there, headers for the rest. Spec: docs/spec/17-deployment.md §5. */
import { HeaderProbe, OnnxProbe, ProbeChooser, type RuntimeProbe, type RuntimeState } from '../runtimes/index.ts';
import { checkHeader } from './deployment/header-check.ts';

export interface Runtimes {
  /** Knows every format. */
  readonly probe: RuntimeProbe;
  /** Execution providers that really load, or why there is no runtime. Looked for at the first question, in a process of its own. */
  onnx(): Promise<RuntimeState>;
}

/** Starts nothing. */
export function runtimesHere(): Runtimes {
  const onnx = new OnnxProbe();
  return { probe: new ProbeChooser([onnx, new HeaderProbe(checkHeader)]), onnx: () => onnx.state() };
}
