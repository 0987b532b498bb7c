/** Which execution providers really load here, found out with a model of one addition. Spec: docs/spec/17-deployment.md §5.8. */
import { infer } from './infer.ts';
import type { OnnxPackage } from './onnx-package.ts';

/** `Y = X + X`, X a float: ir_version 8, operator set 13. */
const ONE_ADDITION = Buffer.from(
  'CAgSEmF0bW9zcGhlcmUtdGVzdGtpdDo3Cg4KAVgKAVgSAVkiA0FkZBIDb25lWg8KAVgSCgoICAESBAoCCAFiDwoBWRIKCggIARIECgIIAUIECgAQDQ==',
  'base64',
);

export async function look(runtime: OnnxPackage, only?: readonly string[]): Promise<string[]> {
  const known = runtime.listSupportedBackends().map(({ name }) => name);
  const loading: string[] = [];
  for (const provider of known.filter((name) => only?.includes(name) ?? true)) {
    if (await answers(runtime, provider)) loading.push(provider);
  }
  return loading;
}

async function answers(runtime: OnnxPackage, provider: string): Promise<boolean> {
  try {
    await infer(runtime, { model: ONE_ADDITION, providers: [provider] });
    return true;
  } catch {
    return false;
  }
}
