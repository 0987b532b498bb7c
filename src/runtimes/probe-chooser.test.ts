import { expect, it } from 'vitest';
import { HeaderProbe } from './header-probe.ts';
import { OnnxProbe } from './onnx/onnx-probe.ts';
import { requestFor } from './probe.conformance.ts';
import { ProbeChooser } from './probe-chooser.ts';

const never = new AbortController().signal;
const header = new HeaderProbe(async () => {});
const none = new OnnxProbe({ package: 'onnxruntime-is-not-here' });

it('without the package a model is checked, and never said to be loaded', async () => {
  const result = await new ProbeChooser([none, header]).probe(requestFor('/x', { format: 'onnx' }), never);
  expect(result).toMatchObject({ outcome: 'checked', runtime: 'header' });
});

it('where nothing knows the format, that is said', async () => {
  const chooser = new ProbeChooser([none]);
  expect(await chooser.canProbe('onnx')).toBe(false);
  const failure = { code: 'probe_not_started', message: expect.stringContaining('gguf') };
  await expect(chooser.probe(requestFor('/x', { format: 'gguf' }), never)).rejects.toMatchObject(failure);
});
