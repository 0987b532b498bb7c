/**
 * Walks protobuf fields of a file, message within message, without schema or recursion of its own: the caller descends
 * only into the fields it names. Spec: docs/spec/07-formats.md §4.
 */
import { HeaderCursor } from './header-cursor.ts';
import type { HeaderSource } from './header-source.ts';
import { FORMATS_LIMITS } from './limits.ts';

export interface ProtobufField {
  readonly number: number;
  /** Value of a varint field; 0n for the others. */
  readonly varint: bigint;
  /** Bytes of a length-delimited field; undefined for the others. */
  readonly byteCount: number | undefined;
}

/** The work bound is used up; what was read until here stands. */
export class WalkExhausted extends Error {}

export class ProtobufCursor {
  readonly #cursor: HeaderCursor;
  readonly #fileBytes: number;
  #fieldsLeft: number = FORMATS_LIMITS.onnxFields;

  constructor(source: HeaderSource) {
    this.#cursor = new HeaderCursor(source, 'ONNX', FORMATS_LIMITS.onnxReadBytes);
    this.#fileBytes = source.sizeBytes;
  }

  /** Calls back for each field until `end`; whatever the callback leaves of a field's bytes is jumped over. */
  async eachField(end: number, visit: (field: ProtobufField) => Promise<void> | undefined): Promise<void> {
    while (this.#cursor.position < end) {
      const field = await this.#readTag(end);
      const fieldEnd = this.#cursor.position + (field.byteCount ?? 0);
      await visit(field);
      if (this.#cursor.position > fieldEnd) throw this.fail('a field is read past its end');
      this.#cursor.position = fieldEnd;
    }
  }

  /** Descends into a length-delimited field. */
  async eachFieldOf(field: ProtobufField, visit: (inner: ProtobufField) => Promise<void> | undefined): Promise<void> {
    await this.eachField(this.#cursor.position + this.#bytesOf(field), visit);
  }

  /** The text of a field, cut at the bound. */
  async text(field: ProtobufField): Promise<string> {
    const kept = Math.min(this.#bytesOf(field), FORMATS_LIMITS.onnxTextBytes);
    await this.#cursor.need(kept);
    return this.#cursor.bytes(kept).toString('utf8');
  }

  /** Numbers of a repeated integer field, packed or not. */
  async varints(field: ProtobufField, most: number): Promise<bigint[]> {
    if (field.byteCount === undefined) return [field.varint];
    const end = this.#cursor.position + field.byteCount;
    const values: bigint[] = [];
    while (this.#cursor.position < end) {
      values.push(await this.#varint(end));
      if (values.length > most) throw this.fail(`more than ${most} numbers in a list`);
    }
    return values;
  }

  fail(fault: string) {
    return this.#cursor.fail('bad_header', fault);
  }

  async #readTag(end: number): Promise<ProtobufField> {
    this.#fieldsLeft -= 1;
    if (this.#fieldsLeft < 0) throw new WalkExhausted();
    const tag = await this.#varint(end);
    const number = Number(tag >> 3n);
    if (number < 1 || number > 0x1fff_ffff) throw this.fail(`field number ${number}`);
    switch (Number(tag & 7n)) {
      case 0:
        return { number, varint: await this.#varint(end), byteCount: undefined };
      case 1:
        return { number, varint: 0n, byteCount: this.#checkedLength(8n, end) };
      case 2:
        return { number, varint: 0n, byteCount: this.#checkedLength(await this.#varint(end), end) };
      case 5:
        return { number, varint: 0n, byteCount: this.#checkedLength(4n, end) };
      default:
        throw this.fail(`wire type ${tag & 7n}`);
    }
  }

  #checkedLength(length: bigint, end: number): number {
    const left = end - this.#cursor.position;
    if (length <= BigInt(left)) return Number(length);
    if (end >= this.#fileBytes) throw this.#cursor.fail('truncated', `${length} bytes are announced, ${left} are left`);
    throw this.fail(`a field of ${length} bytes in a message with ${left} left`);
  }

  #bytesOf(field: ProtobufField): number {
    if (field.byteCount === undefined) throw this.fail(`field ${field.number} is a number, wanted bytes`);
    return field.byteCount;
  }

  async #varint(end: number): Promise<bigint> {
    const most = Math.min(10, end - this.#cursor.position);
    if (most <= 0) throw this.fail('a number is cut off');
    await this.#cursor.need(most);
    let value = 0n;
    for (let index = 0; index < most; index += 1) {
      const byte = this.#cursor.u8();
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    if (most < 10 && end >= this.#fileBytes) throw this.#cursor.fail('truncated', 'a number is cut off');
    throw this.fail('a number has no end');
  }
}
