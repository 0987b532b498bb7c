import { expect, it } from 'vitest';
import { toWords } from './words.ts';

it.each([
  ['one line without colours', '\u001b[31;1mno\u001b[0m\n\tway\u0000\u202e!', 'no way !'],
  ['the name of a file', "ENOENT: no such file, stat '/home/ada/models/a.onnx'", "ENOENT: no such file, stat 'a.onnx'"],
  [
    'the line of a source',
    '/onnxruntime_src/core/cpu/reshape.h:91 onnxruntime::Reshape',
    'reshape.h:91 onnxruntime::Reshape',
  ],
  ['a Windows path', 'cannot open C:\\Users\\ada\\a.onnx', 'cannot open a.onnx'],
  [
    'what is no path',
    'tensor(float) a/b and/or https://example.org/x, 1/2',
    'tensor(float) a/b and/or https://example.org/x, 1/2',
  ],
])('toWords() keeps %s', (_what, said, wanted) => {
  expect(toWords(said)).toBe(wanted);
});

it('toWords() takes named folders out, whatever their names', () => {
  const said = 'Load model from /data/my models/v 1/a.onnx failed: "/data/my models/v 1"';
  expect(toWords(said, '/data/my models/v 1')).toBe('Load model from a.onnx failed: ""');
});

it('toWords() ends what has no end', () => {
  expect(toWords('x'.repeat(10_000))).toHaveLength(501);
});
