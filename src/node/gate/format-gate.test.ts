import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ModelId, type NodeId, parseSha256 } from '../../core/index.ts';
import type { ModelManifest } from '../../protocol/index.ts';
import type { LocalModel } from '../../registry/index.ts';
import { makeTestMesh } from '../../testkit/mesh-members.ts';
import { writeOnnxFile } from '../../testkit/model-files.ts';
import type { OrderContext } from '../../trust/index.ts';
import { FormatGate } from './format-gate.ts';

const PICKLE = "cos\nsystem\n(S'true'\ntR.";
const SHA = parseSha256('a'.repeat(64));
const MANIFEST = { model_id: 'a/b' as ModelId, version: '1', sha256: SHA } as ModelManifest;
const owner = makeTestMesh('gate', Date.now()).member('owner', { role: 'admin', nowMs: Date.now() });

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gate-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function gateOf(paths: readonly string[], { allowsCode = false, mayShip = false, sha256 = SHA } = {}): FormatGate {
  const files = paths.map((path) => ({ path, absolutePath: join(folder, path) }));
  const model = { modelId: 'a/b', version: '1', sha256, files } as unknown as LocalModel;
  const context: OrderContext = {
    certificateOf: (nodeId: NodeId) => (nodeId === owner.nodeId ? owner.certificate : undefined),
    isRevoked: () => false,
    policy: mayShip ? { type: 'model_access', models: { 'a/b': { ship_code: ['admin'] } } } : undefined,
    nowMs: Date.now(),
  };
  return new FormatGate({
    ...{ library: { list: () => [model] }, nodeId: owner.nodeId, allowsCode },
    orderContext: () => context,
  });
}

async function codesOf(gate: FormatGate): Promise<readonly string[]> {
  return (await gate.judge(MANIFEST, undefined, new AbortController().signal)).map(({ code }) => code);
}

test('ONNX passes on every node, with texts and the data that it names beside it', async () => {
  await writeOnnxFile(join(folder, 'model.onnx'));
  writeFileSync(join(folder, 'README.md'), '# A model\n');
  expect(await codesOf(gateOf(['model.onnx', 'README.md']))).toEqual([]);
});

test('one pickle among the files needs both permissions', async () => {
  await writeOnnxFile(join(folder, 'model.onnx'));
  writeFileSync(join(folder, 'extra.bin'), PICKLE);
  const files = ['model.onnx', 'extra.bin'];
  expect(await codesOf(gateOf(files))).toEqual(['code_not_permitted', 'code_not_allowed_here']);
  expect(await codesOf(gateOf(files, { allowsCode: true }))).toEqual(['code_not_permitted']);
  expect(await codesOf(gateOf(files, { mayShip: true }))).toEqual(['code_not_allowed_here']);
  expect(await codesOf(gateOf(files, { allowsCode: true, mayShip: true }))).toEqual([]);
});

test('what is not here, or cannot be read, is refused and said', async () => {
  expect(await codesOf(gateOf(['gone.onnx']))).toEqual(['format_unread']);
  expect(await codesOf(gateOf([], { sha256: parseSha256('b'.repeat(64)) }))).toEqual(['not_here']);
});

test('an interrupt ends it with its own reason', async () => {
  await writeOnnxFile(join(folder, 'model.onnx'));
  const judging = gateOf(['model.onnx']).judge(MANIFEST, undefined, AbortSignal.abort(new Error('stop')));
  await expect(judging).rejects.toThrow('stop');
});
