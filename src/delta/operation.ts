/** One operation of a difference: its 24 bytes and the rules of its kind. Pure. Spec: docs/spec/22-differences.md §1.2, §2. */
import { DeltaError } from './errors.ts';
import { DELTA_LIMITS } from './limits.ts';

export const OPERATION_BYTES = 24;
export const MAX_COPY_BYTES = 0xffff_ffff;

export const OPERATION_KINDS = ['end', 'copy', 'raw', 'planes', 'patch', 'xor', 'step', 'grouped', 'sparse'] as const;
export type OperationKind = (typeof OPERATION_KINDS)[number];
/** How a block's bytes may stand in a difference. */
export type Encoding = Exclude<OperationKind, 'end'>;

export interface Operation {
  readonly kind: OperationKind;
  readonly width: number;
  readonly argument: number;
  readonly targetBytes: number;
  readonly baseOffset: number;
  readonly baseBytes: number;
  readonly payloadBytes: number;
}

export const END_OPERATION: Operation = {
  kind: 'end',
  width: 0,
  argument: 0,
  targetBytes: 0,
  baseOffset: 0,
  baseBytes: 0,
  payloadBytes: 0,
};

export function encodeOperation(operation: Operation): Buffer {
  const bytes = Buffer.alloc(OPERATION_BYTES);
  bytes.writeUInt8(OPERATION_KINDS.indexOf(operation.kind), 0);
  bytes.writeUInt8(operation.width, 1);
  bytes.writeUInt8(operation.argument, 2);
  bytes.writeUInt32LE(operation.targetBytes, 4);
  bytes.writeBigUInt64LE(BigInt(operation.baseOffset), 8);
  bytes.writeUInt32LE(operation.baseBytes, 16);
  bytes.writeUInt32LE(operation.payloadBytes, 20);
  return bytes;
}

/** Checks what can be checked of one alone. Throws `bad_operation`. */
export function parseOperation(bytes: Buffer): Operation {
  const kind = OPERATION_KINDS[bytes.readUInt8(0)];
  if (kind === undefined) throw badOperation(`its kind is ${bytes.readUInt8(0)}, wanted 0 to 8`);
  if (bytes.readUInt8(3) !== 0) throw badOperation('byte 3 is not 0');
  const baseOffset = bytes.readBigUInt64LE(8);
  if (baseOffset > BigInt(Number.MAX_SAFE_INTEGER)) throw badOperation(`a base offset of ${baseOffset}`);
  const operation: Operation = {
    kind,
    width: bytes.readUInt8(1),
    argument: bytes.readUInt8(2),
    targetBytes: bytes.readUInt32LE(4),
    baseOffset: Number(baseOffset),
    baseBytes: bytes.readUInt32LE(16),
    payloadBytes: bytes.readUInt32LE(20),
  };
  const fault = faultOf(operation);
  if (fault !== undefined) throw badOperation(`${kind}: ${fault}`);
  return operation;
}

export function badOperation(fault: string): DeltaError {
  return new DeltaError('bad_operation', `Reading an operation of a difference: ${fault}`);
}

function faultOf(operation: Operation): string | undefined {
  const { kind, width, argument, targetBytes } = operation;
  if (kind === 'end')
    return Object.entries(operation).some(([name, value]) => name !== 'kind' && value !== 0)
      ? 'it is not all 0'
      : undefined;
  if (targetBytes === 0) return 'it adds nothing';
  if (kind !== 'copy' && targetBytes > DELTA_LIMITS.blockBytes)
    return `it adds ${targetBytes} bytes, at most ${DELTA_LIMITS.blockBytes}`;
  if (!isWidthRight(kind, width)) return `a width of ${width}`;
  if (!isArgumentRight(kind, width, argument)) return `an argument of ${argument} with width ${width}`;
  return baseFaultOf(operation) ?? payloadFaultOf(operation);
}

function isWidthRight(kind: OperationKind, width: number): boolean {
  switch (kind) {
    case 'planes':
    case 'xor':
      return width > 0;
    case 'step':
    case 'sparse':
      return width === 1 || width === 2 || width === 4;
    case 'grouped':
      return width === 2 || width === 4;
    default:
      return width === 0;
  }
}

function isArgumentRight(kind: OperationKind, width: number, argument: number): boolean {
  if (kind === 'grouped') return argument <= 8 * width - 8;
  return argument === 0 || (kind === 'planes' && argument === 1 && (width === 2 || width === 4));
}

function baseFaultOf({ kind, targetBytes, baseOffset, baseBytes }: Operation): string | undefined {
  if (kind === 'raw' || kind === 'planes')
    return baseBytes === 0 && baseOffset === 0 ? undefined : `it names ${baseBytes} bytes of the base`;
  if (kind !== 'patch') return baseBytes === targetBytes ? undefined : `${baseBytes} base bytes for ${targetBytes}`;
  const isWindow = baseBytes >= 8 && baseBytes <= DELTA_LIMITS.windowBytes;
  return isWindow ? undefined : `a dictionary of ${baseBytes} bytes, wanted 8 to ${DELTA_LIMITS.windowBytes}`;
}

function payloadFaultOf({ kind, targetBytes, payloadBytes }: Operation): string | undefined {
  const fault = `a payload of ${payloadBytes} bytes for ${targetBytes}`;
  if (kind === 'copy') return payloadBytes === 0 ? undefined : fault;
  if (kind === 'raw') return payloadBytes === targetBytes ? undefined : fault;
  return payloadBytes > 0 && payloadBytes < targetBytes ? undefined : fault;
}
