import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import { readClientHello } from './client-hello.ts';
import { kindOf } from './first-bytes.ts';
import { RELAY_LIMITS } from './limits.ts';
import { parseClientFrame, parseRelayFrame } from './messages.ts';
import { PREAMBLE_BYTES, readPreamble } from './preamble.ts';

const { helloBytes } = RELAY_LIMITS;

interface HelloCase {
  readonly name: string;
  readonly hex: string;
  readonly state: 'more' | 'bad' | 'hello';
  readonly server_name?: string | null;
}
const hellos = vectorCases<HelloCase>('relay', 'client-hello.json');

describe('readClientHello()', () => {
  test.each(hellos)('%s', (_name, { hex, state, server_name }) => {
    const reading = readClientHello(Buffer.from(hex, 'hex'), helloBytes);
    expect(reading.state).toBe(state);
    if (reading.state === 'hello') expect(reading.serverName ?? null).toBe(server_name);
  });

  test.each(hellos.filter(([, { state }]) => state === 'hello'))('%s: no beginning of it is bad', (_name, { hex }) => {
    const bytes = Buffer.from(hex, 'hex');
    for (let length = 0; length < bytes.length; length += 1)
      expect(readClientHello(bytes.subarray(0, length), helloBytes).state).not.toBe('bad');
  });

  test('whatever a byte is changed to, it is read without a fault, and endless bytes are not waited for', () => {
    const [, real] = hellos[0] ?? [];
    const bytes = Buffer.from(real?.hex ?? '', 'hex');
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), (at, value) => {
        const changed = Buffer.from(bytes);
        changed[at] = value;
        expect(['more', 'bad', 'hello']).toContain(readClientHello(changed, helloBytes).state);
        const endless = Buffer.concat([changed, Buffer.alloc(helloBytes, 0x16)]);
        expect(readClientHello(endless, helloBytes).state).not.toBe('more');
      }),
    );
  });
});

interface PreambleCase {
  readonly name: string;
  readonly hex: string;
  readonly state: 'more' | 'bad' | 'preamble';
  readonly token?: string;
}

test.each(vectorCases<PreambleCase>('relay', 'preamble.json'))('%s', (_name, { hex, state, token }) => {
  const reading = readPreamble(Buffer.from(hex, 'hex'));
  expect(reading).toEqual(token === undefined ? { state } : { state, token });
});

test('a connection is decided with the first byte that says it, and never needs more than its bound', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: PREAMBLE_BYTES, maxLength: 200 }), (bytes) => {
      const kind = kindOf(Buffer.from(bytes), helloBytes);
      if (bytes[0] !== 0x16) expect(kind?.kind).toBe('bad');
    }),
  );
});

interface FrameCase {
  readonly name: string;
  readonly from: 'client' | 'relay';
  readonly frame: unknown;
  readonly valid: boolean;
}

test.each(vectorCases<FrameCase>('relay', 'messages.json'))('%s', (_name, { from, frame, valid }) => {
  const parse = (): unknown => (from === 'client' ? parseClientFrame(frame) : parseRelayFrame(frame));
  if (valid) expect(parse()).toMatchObject({ type: (frame as { type: string }).type });
  else expect(parse).toThrow(expect.objectContaining({ code: 'malformed' }));
});
