import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrame, FrameDecoder } from './frames.ts';

describe('FrameDecoder', () => {
  test('gives the values back however the bytes are cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.jsonValue(), { maxLength: 8 }),
        fc.array(fc.nat(40), { maxLength: 40 }),
        (values, cuts) => {
          const bytes = Buffer.concat(values.map((value) => encodeFrame(value)));
          const decoder = new FrameDecoder();
          const read: unknown[] = [];
          let position = 0;
          for (const cut of [...cuts, bytes.length]) {
            const end = Math.min(position + cut, bytes.length);
            read.push(...decoder.push(bytes.subarray(position, end)));
            position = end;
          }
          read.push(...decoder.push(bytes.subarray(position)));
          expect(JSON.stringify(read)).toBe(JSON.stringify(values));
          expect(decoder.pendingBytes).toBe(0);
        },
      ),
    );
  });

  test('refuses a length above the limit before the bytes come', () => {
    const header = Buffer.from([0x7f, 0xff, 0xff, 0xff]);
    expect(() => new FrameDecoder().push(header)).toThrowError(expect.objectContaining({ code: 'too_large' }));
  });

  test('refuses what is not JSON', () => {
    const frame = Buffer.concat([Buffer.from([0, 0, 0, 3]), Buffer.from('{{{')]);
    expect(() => new FrameDecoder().push(frame)).toThrowError(expect.objectContaining({ code: 'malformed' }));
  });

  test('a cut-off frame stays pending', () => {
    const decoder = new FrameDecoder();
    expect(decoder.push(encodeFrame({ a: 1 }).subarray(0, 6))).toEqual([]);
    expect(decoder.pendingBytes).toBe(6);
  });

  test('does not send what the other side must refuse', () => {
    expect(() => encodeFrame('x'.repeat(100), 50)).toThrowError(expect.objectContaining({ code: 'too_large' }));
  });
});
