/**
 * Whether a model is good, found out by using it once: ONNX Runtime in a process of its own, a header's check for formats
 * without a runtime, and the choice between them. Spec: docs/spec/17-deployment.md §5.
 */
export { RuntimeError } from './errors.ts';
export { HeaderProbe } from './header-probe.ts';
export { OnnxProbe } from './onnx/onnx-probe.ts';
export type { ProbeResult, RuntimeProbe, RuntimeState } from './ports.ts';
export { ProbeChooser } from './probe-chooser.ts';
