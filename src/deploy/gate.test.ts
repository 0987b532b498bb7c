import { expect, test } from 'vitest';
import { type GateFile, planGate } from './gate.ts';

const SAFE: GateFile = { path: 'm.onnx', isSafe: true, reasons: [], imports: [], faults: [] };
const PICKLE: GateFile = {
  path: 'm.pkl',
  isSafe: false,
  reasons: [{ code: 'pickle', message: 'it is a pickle' }],
  imports: [
    { module: 'numpy', name: 'dtype', called: true, verdict: 'known' },
    { module: 'os', name: 'system', called: true, verdict: 'dangerous' },
  ],
  faults: [],
};
const POLYGLOT: GateFile = { ...PICKLE, path: 'm.gguf', reasons: [{ code: 'polyglot', message: 'two things' }] };

test.each([
  ['safe files, whoever signed them', [SAFE], false, false, []],
  ['a pickle, with both permissions', [SAFE, PICKLE], true, true, []],
  ['a pickle whose signer may not ship code', [PICKLE], false, true, ['code_not_permitted']],
  ['a pickle on a node that takes none', [PICKLE], true, false, ['code_not_allowed_here']],
  ['a pickle, with neither', [SAFE, PICKLE], false, false, ['code_not_permitted', 'code_not_allowed_here']],
  ['a polyglot, with both permissions', [POLYGLOT], true, true, ['format_polyglot']],
  ['nothing at all', [], true, true, ['format_damaged']],
])('planGate() judges %s', (_, files, signerMayShipCode, nodeAllowsCode, codes) => {
  const refusals = planGate({ files, signerMayShipCode, nodeAllowsCode });
  expect(refusals.map(({ code }) => code)).toEqual(codes);
});

test('what a file runs is told once, with the first reason', () => {
  const messages = planGate({ files: [PICKLE], signerMayShipCode: false, nodeAllowsCode: false }).map(
    (one) => one.message,
  );
  expect(messages.filter((message) => message.includes('it is a pickle'))).toHaveLength(1);
});

test('a refusal tells the file and its imports, the dangerous ones first, and that they may not be all', () => {
  const files = [{ ...PICKLE, faults: ['cut off'] }];
  const [refusal] = planGate({ files, signerMayShipCode: false, nodeAllowsCode: true });
  expect(refusal?.message).toContain(
    'm.pkl: it is a pickle; imports os.system (dangerous, called), numpy.dtype (known',
  );
  expect(refusal?.message).toContain('not everything could be listed: cut off');
});
