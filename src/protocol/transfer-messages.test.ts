import { describe, expect, test } from 'vitest';
import { vectorCases } from '../testkit/vectors.ts';
import {
  encodeAckFrame,
  parseTransferFrame,
  TRANSFER_FRAME_HEAD_BYTES,
  writeDataFrameHead,
} from './transfer-frames.ts';
import { encodeTransferMessage, type OutgoingTransferMessage, parseTransferMessage } from './transfer-messages.ts';

interface MessageCase {
  readonly name: string;
  readonly message: unknown;
  readonly fill?: { readonly field: string; readonly zero_bytes: number };
  readonly valid: boolean;
  readonly reads?: object;
  readonly writes?: object;
}

interface FrameCase {
  readonly name: string;
  readonly hex: string;
  readonly zero_bytes?: number;
  readonly valid: boolean;
  readonly reads?: {
    readonly kind: 'data' | 'ack';
    readonly request_id: string;
    readonly offset: number;
    readonly bytes_hex?: string;
  };
}

const MALFORMED = expect.objectContaining({ code: 'malformed' });

describe('parseTransferMessage()', () => {
  test.each(vectorCases<MessageCase>('transfer-messages', 'messages.json'))('%s', (_name, each) => {
    const given = filled(each);
    if (!each.valid) {
      expect(() => parseTransferMessage(given)).toThrowError(MALFORMED);
      return;
    }
    const message = parseTransferMessage(given);
    expect(message).toMatchObject(each.reads ?? {});
    if (each.writes === undefined) return;
    expect(JSON.parse(encodeTransferMessage(message as OutgoingTransferMessage))).toEqual(each.writes);
  });
});

describe('parseTransferFrame()', () => {
  test.each(vectorCases<FrameCase>('transfer-messages', 'frames.json'))(
    '%s',
    (_name, { hex, zero_bytes = 0, valid, reads }) => {
      const message = Buffer.concat([Buffer.from(hex, 'hex'), Buffer.alloc(zero_bytes)]);
      if (!valid || reads === undefined) {
        expect(() => parseTransferFrame(message)).toThrowError(MALFORMED);
        return;
      }
      const frame = parseTransferFrame(message);
      expect(frame).toMatchObject({ kind: reads.kind, requestId: reads.request_id, offset: reads.offset });
      expect(frame.kind === 'data' ? frame.bytes.toString('hex') : undefined).toBe(reads.bytes_hex);
      expect(written(reads)).toBe(hex);
    },
  );
});

function filled({ message, fill }: MessageCase): unknown {
  if (fill === undefined) return message;
  return { ...(message as object), [fill.field]: Buffer.alloc(fill.zero_bytes).toString('base64') };
}

function written({ kind, request_id, offset, bytes_hex = '' }: NonNullable<FrameCase['reads']>): string {
  if (kind === 'ack') return encodeAckFrame(request_id, offset).toString('hex');
  const head = Buffer.alloc(TRANSFER_FRAME_HEAD_BYTES);
  writeDataFrameHead(head, request_id, offset);
  return head.toString('hex') + bytes_hex;
}
