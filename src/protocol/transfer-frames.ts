/** The binary form of chunks and their acknowledgements. Spec: docs/spec/14-websocket.md §4. */
import { ProtocolError } from './errors.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

const DATA = 1;
const ACK = 2;
const ID_BYTES = 16;
/** Of either frame, before a chunk's bytes. */
export const TRANSFER_FRAME_HEAD_BYTES = 1 + ID_BYTES + 8;

export type TransferFrame =
  | { readonly kind: 'data'; readonly requestId: string; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'ack'; readonly requestId: string; readonly offset: number };

/** Writes the head of a data frame into the first bytes of `frame`; the chunk's bytes follow it. */
export function writeDataFrameHead(frame: Buffer, requestId: string, offset: number): void {
  frame[0] = DATA;
  frame.write(requestId.replaceAll('-', ''), 1, ID_BYTES, 'hex');
  frame.writeBigUInt64BE(BigInt(offset), 1 + ID_BYTES);
}

export function encodeAckFrame(requestId: string, offset: number): Buffer {
  const frame = Buffer.allocUnsafe(TRANSFER_FRAME_HEAD_BYTES);
  writeDataFrameHead(frame, requestId, offset);
  frame[0] = ACK;
  return frame;
}

/** The bytes of a data frame are a view of the message. Throws ProtocolError `malformed`. */
export function parseTransferFrame(message: Buffer): TransferFrame {
  const kind = message[0];
  const rest = message.length - TRANSFER_FRAME_HEAD_BYTES;
  if (kind !== DATA && kind !== ACK) throw malformed(`kind ${kind}, wanted ${DATA} or ${ACK}`);
  if (kind === ACK && rest !== 0) throw malformed(`an acknowledgement of ${message.length} bytes`);
  if (kind === DATA && (rest < 1 || rest > PROTOCOL_LIMITS.binaryChunkBytes)) throw malformed(`${rest} bytes of data`);
  const offset = message.readBigUInt64BE(1 + ID_BYTES);
  if (offset > BigInt(PROTOCOL_LIMITS.blobBytes)) throw malformed(`offset ${offset}, past every blob`);
  const about = { requestId: toUuid(message.toString('hex', 1, 1 + ID_BYTES)), offset: Number(offset) };
  if (kind === ACK) return { kind: 'ack', ...about };
  return { kind: 'data', ...about, bytes: message.subarray(TRANSFER_FRAME_HEAD_BYTES) };
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Only a request with such an id can have the binary form. */
export function isBinaryRequestId(text: string): boolean {
  return UUID.test(text);
}

function toUuid(hex: string): string {
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function malformed(what: string): ProtocolError {
  return new ProtocolError('malformed', `Reading a transfer frame: ${what}`);
}
