import { expect, test } from 'vitest';
import type { Clock, ModelId } from '../core/index.ts';
import type { FoundModel } from './found-model.ts';
import { SettleGate } from './settle-gate.ts';

const NOW_MS = 1_800_000_000_000;

function modelOf(mtimeMs: number, sizeBytes = 10): FoundModel {
  const fingerprint = { path: '/m', sizeBytes, mtimeNs: BigInt(mtimeMs) * 1_000_000n, inode: 1n, device: 1n };
  return {
    key: 'm',
    modelId: 'm' as ModelId,
    name: 'm',
    version: '0',
    type: 'llm',
    format: 'gguf',
    source: 'imported',
    sourceRef: 'm',
    files: [{ path: 'm', absolutePath: '/m', fingerprint }],
    isFileSet: false,
    sizeBytes,
    capabilities: [],
    unsafe: false,
    metadata: {},
  };
}

function openGate() {
  let elapsedMs = 0;
  const clock: Clock = { nowMs: () => NOW_MS + elapsedMs, monotonicMs: () => elapsedMs, after: () => () => {} };
  return {
    gate: new SettleGate(clock, 2000),
    pass: (ms: number) => {
      elapsedMs += ms;
    },
  };
}

test('SettleGate lets an old file through at once', () => {
  expect(openGate().gate.isSettled(modelOf(NOW_MS - 2000))).toBe(true);
});

test('SettleGate holds a fresh file back for the settle time', () => {
  const { gate, pass } = openGate();
  expect(gate.isSettled(modelOf(NOW_MS))).toBe(false);
  expect(gate.heldCount).toBe(1);
  pass(2000);
  expect(gate.isSettled(modelOf(NOW_MS))).toBe(true);
  expect(gate.heldCount).toBe(0);
});

test('SettleGate holds a file of the future back until it was seen unchanged for the settle time', () => {
  const { gate, pass } = openGate();
  const future = NOW_MS + 1e9;
  expect(gate.isSettled(modelOf(future))).toBe(false);
  pass(1500);
  expect(gate.isSettled(modelOf(future, 20))).toBe(false);
  pass(1500);
  expect(gate.isSettled(modelOf(future, 20))).toBe(false);
  pass(500);
  expect(gate.isSettled(modelOf(future, 20))).toBe(true);
});
