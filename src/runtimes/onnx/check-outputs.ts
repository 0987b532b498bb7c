/** Is what a model answered what it declares, finite, and golden? Pure. Spec: docs/spec/17-deployment.md §5.7. */
import type { Golden, GoldenTensor, GoldenValue } from '../golden.ts';
import type { OnnxTensor, OnnxValueInfo, TensorData } from './onnx-package.ts';
import { Refusal } from './refusal.ts';

type Outputs = Readonly<Record<string, OnnxTensor>>;

/** Throws Refusal `wrong_answer`, or `bad_golden` where it names an output that the model has not. */
export function checkOutputs(declared: readonly OnnxValueInfo[], outputs: Outputs, golden: Golden | undefined): void {
  for (const info of declared) {
    const output = outputs[info.name];
    if (output === undefined) throw wrong(`there is no output ${info.name}`);
    checkDeclared(info, output);
    checkFinite(info.name, output.data);
  }
  for (const [name, wanted] of Object.entries(golden?.outputs ?? {})) {
    const output = Object.hasOwn(outputs, name) ? outputs[name] : undefined;
    if (output === undefined) throw new Refusal('bad_golden', `the model has no output ${name} that is a tensor`);
    checkGolden(name, output, wanted, golden?.tolerance ?? 0);
  }
}

function checkDeclared({ name, type, shape = [] }: OnnxValueInfo, { type: got, dims }: OnnxTensor): void {
  if (type !== got) throw wrong(`the output ${name} is ${got}, and ${type} is declared`);
  const isLike =
    dims.length === shape.length && shape.every((size, at) => typeof size !== 'number' || size === dims[at]);
  if (!isLike) throw wrong(`the output ${name} has the shape [${dims}], and [${shape.map(String)}] is declared`);
}

function checkFinite(name: string, data: TensorData): void {
  for (let at = 0; at < data.length; at += 1) {
    const value = data[at];
    if (typeof value === 'number' && !Number.isFinite(value))
      throw wrong(`value ${at} of the output ${name} is ${value}`);
  }
}

function checkGolden(name: string, { dims, data }: OnnxTensor, wanted: GoldenTensor, tolerance: number): void {
  const isLike = dims.length === wanted.shape.length && wanted.shape.every((size, at) => size === dims[at]);
  if (!isLike) throw wrong(`the output ${name} has the shape [${dims}], and [${wanted.shape}] is golden`);
  for (const [at, value] of wanted.data.entries()) {
    if (!isNear(data[at], value, tolerance))
      throw wrong(`value ${at} of the output ${name} is ${data[at]}, and ${value} ± ${tolerance} is golden`);
  }
}

function isNear(got: TensorData[number] | undefined, wanted: GoldenValue, tolerance: number): boolean {
  if (typeof wanted === 'string' || typeof got === 'string' || got === undefined) return got === wanted;
  const number = Number(wanted);
  return Math.abs(Number(got) - number) <= tolerance * Math.max(1, Math.abs(number));
}

function wrong(message: string): Refusal {
  return new Refusal('wrong_answer', message);
}
