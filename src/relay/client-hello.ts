/**
 * The server name out of the first bytes of a TLS connection, which stay as they are. Pure; spec: docs/spec/13-relay.md §2.
 * Anybody may send anything here: every length is held against what is there before it is used, and nothing is copied
 * but the handshake message itself, which `helloBytes` bounds.
 */
import { RELAY_LIMITS } from './limits.ts';

export type HelloReading =
  /** Not all of it has come. */
  | { readonly state: 'more' }
  | { readonly state: 'bad'; readonly reason: string }
  | { readonly state: 'hello'; readonly serverName: string | undefined };

export const TLS_HANDSHAKE_RECORD = 0x16;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const HOST_NAME = 0;
const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
const MAX_RECORD_BYTES = 16_384;
const VERSION_AND_RANDOM_BYTES = 34;

class BadHello extends Error {}

/** Reads what has come so far. Throws nothing. What it costs is bounded: it is asked again with every packet. */
export function readClientHello(
  bytes: Buffer,
  maxBytes: number,
  maxRecords: number = RELAY_LIMITS.helloRecords,
): HelloReading {
  try {
    const body = messageOf(bytes, maxBytes, maxRecords);
    return body === undefined ? { state: 'more' } : { state: 'hello', serverName: serverNameOf(body) };
  } catch (thrown) {
    if (thrown instanceof BadHello) return { state: 'bad', reason: thrown.message };
    throw thrown;
  }
}

/** The ClientHello's body, put together from its records; undefined while some are missing. */
function messageOf(bytes: Buffer, maxBytes: number, maxRecords: number): Buffer | undefined {
  const parts: Buffer[] = [];
  let at = 0;
  let have = 0;
  let wanted = MESSAGE_HEADER_BYTES;
  while (have < wanted) {
    const part = recordAt(bytes, at);
    if (part === undefined) return assertRoom(bytes.length, maxBytes);
    if (parts.length === maxRecords) throw new BadHello('the ClientHello comes in too many records');
    at += RECORD_HEADER_BYTES + part.wholeBytes;
    assertRoom(at, maxBytes + 1);
    parts.push(part.content);
    have += part.content.length;
    if (have >= MESSAGE_HEADER_BYTES) wanted = lengthOf(Buffer.concat(parts, MESSAGE_HEADER_BYTES), maxBytes);
    if (part.content.length < part.wholeBytes && have < wanted) return assertRoom(bytes.length, maxBytes);
  }
  return Buffer.concat(parts).subarray(MESSAGE_HEADER_BYTES, wanted);
}

interface RecordPart {
  /** What has come of it. */
  readonly content: Buffer;
  readonly wholeBytes: number;
}

function recordAt(bytes: Buffer, at: number): RecordPart | undefined {
  if (bytes.length > at && bytes[at] !== TLS_HANDSHAKE_RECORD) throw new BadHello('a record is no handshake');
  if (bytes.length > at + 1 && bytes[at + 1] !== 3) throw new BadHello('a record has another version');
  if (bytes.length < at + RECORD_HEADER_BYTES) return undefined;
  const wholeBytes = bytes.readUInt16BE(at + 3);
  if (wholeBytes === 0 || wholeBytes > MAX_RECORD_BYTES) throw new BadHello('a record has an impossible length');
  const start = at + RECORD_HEADER_BYTES;
  return { content: bytes.subarray(start, start + wholeBytes), wholeBytes };
}

/** Header and body of the message. */
function lengthOf(message: Buffer, maxBytes: number): number {
  if (message[0] !== CLIENT_HELLO) throw new BadHello('the first message is no ClientHello');
  const length = MESSAGE_HEADER_BYTES + message.readUIntBE(1, 3);
  if (length > maxBytes) throw new BadHello('the ClientHello is too large');
  return length;
}

function assertRoom(usedBytes: number, maxBytes: number): undefined {
  if (usedBytes >= maxBytes) throw new BadHello('the ClientHello is too large');
  return undefined;
}

function serverNameOf(body: Buffer): string | undefined {
  const hello = new Cursor(body);
  hello.take(VERSION_AND_RANDOM_BYTES);
  hello.block(1);
  hello.block(2);
  hello.block(1);
  if (hello.isAtEnd) return undefined;
  const extensions = new Cursor(hello.block(2));
  hello.assertEnd();
  let name: string | undefined;
  while (!extensions.isAtEnd) {
    const type = extensions.number(2);
    const content = extensions.block(2);
    if (type !== SERVER_NAME) continue;
    if (name !== undefined) throw new BadHello('two server name extensions');
    name = hostNameOf(content);
  }
  return name;
}

/** The one host name of a server name list. */
function hostNameOf(content: Buffer): string {
  const outer = new Cursor(content);
  const list = new Cursor(outer.block(2));
  outer.assertEnd();
  if (list.number(1) !== HOST_NAME) throw new BadHello('a server name of an unknown type');
  const name = list.block(2);
  list.assertEnd();
  if (name.length === 0 || name.some((byte) => byte < 0x21 || byte > 0x7e))
    throw new BadHello('the server name is not ASCII');
  return name.toString('latin1');
}

/** Walks bytes that are all there; a length beyond them is bad, not missing. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  assertEnd(): void {
    if (!this.isAtEnd) throw new BadHello('bytes are left over');
  }

  number(bytes: number): number {
    return this.take(bytes).readUIntBE(0, bytes);
  }

  /** A length of so many bytes, then that many bytes. */
  block(lengthBytes: number): Buffer {
    return this.take(this.number(lengthBytes));
  }

  take(count: number): Buffer {
    const end = this.#at + count;
    if (end > this.#bytes.length) throw new BadHello('a length goes beyond its end');
    const taken = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}
