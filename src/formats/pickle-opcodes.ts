/** The opcodes of protocols 0 to 5: what follows each in the file, and what it does to the machine. Spec: docs/spec/07-formats.md §5.3. */
import type { PickleMachine } from './pickle-machine.ts';
import { decodeEscapes, decodeRawUnicode, toMemoKey } from './pickle-text.ts';
import { int, NONE, type PickleValue, UNKNOWN } from './pickle-values.ts';

/**
 * `line`, `lines`: one or two lines of text. A number: so many bytes. `count1`, `count4`, `count8`: a length of so many bytes,
 * and as many bytes after it.
 */
export type PickleArgument = 0 | 1 | 2 | 4 | 8 | 'line' | 'lines' | 'count1' | 'count4' | 'count8';

export interface PickleOpcode {
  readonly name: string;
  readonly argument: PickleArgument;
  /** Are the counted bytes wanted, or jumped over? */
  readonly reads?: boolean;
  readonly run: (machine: PickleMachine, argument: Buffer, second: Buffer) => void;
}

const latin1 = (bytes: Buffer) => bytes.toString('latin1');
const utf8 = (bytes: Buffer) => bytes.toString('utf8');
const pushUnknown = (machine: PickleMachine) => machine.push(UNKNOWN);
const pushNone = (machine: PickleMachine) => machine.push(NONE);
const pushNumber = (machine: PickleMachine, value: number) =>
  machine.push(Number.isSafeInteger(value) ? int(value) : UNKNOWN);
const nothing = () => {};

function lineNumber(machine: PickleMachine, line: Buffer): void {
  const digits = latin1(line).trim().replace(/L$/, '');
  pushNumber(machine, /^[+-]?\d{1,15}$/.test(digits) ? Number(digits) : Number.NaN);
}

function longNumber(machine: PickleMachine, bytes: Buffer): void {
  pushNumber(machine, bytes.length === 0 ? 0 : bytes.length <= 6 ? bytes.readIntLE(0, bytes.length) : Number.NaN);
}

function pushEmpty(kind: 'tuple' | 'dict') {
  return (machine: PickleMachine) => (kind === 'tuple' ? machine.tuple([]) : machine.dict([]));
}

function tupleOf(count: number) {
  return (machine: PickleMachine) => {
    const items: PickleValue[] = [];
    for (let index = 0; index < count; index += 1) items.unshift(machine.pop());
    machine.tuple(items);
  };
}

function dropToMark(machine: PickleMachine): void {
  machine.popMark();
}

function markToUnknown(machine: PickleMachine): void {
  machine.popMark();
  machine.push(UNKNOWN);
}

function setItem(machine: PickleMachine): void {
  const value = machine.pop();
  machine.setItems([machine.pop(), value]);
}

function callWithArguments(machine: PickleMachine): void {
  const args = machine.pop();
  machine.call(machine.pop(), args);
}

function callWithKeywords(machine: PickleMachine): void {
  machine.pop();
  callWithArguments(machine);
}

function callFromMark(machine: PickleMachine): void {
  const [callable = UNKNOWN, ...args] = machine.popMark();
  machine.call(callable, { kind: 'tuple', items: args });
}

function extension(machine: PickleMachine, code: Buffer): void {
  machine.global('EXT', 'copyreg', `extension ${code.readUIntLE(0, code.length)}`);
}

function duplicate(machine: PickleMachine): void {
  machine.push(machine.top);
}

function popped(machine: PickleMachine): void {
  machine.pop();
}

function poppedToUnknown(machine: PickleMachine): void {
  machine.pop();
  machine.push(UNKNOWN);
}

const op = (
  name: string,
  argument: PickleArgument,
  run: PickleOpcode['run'],
  reads = argument !== 'count4' && argument !== 'count8' && argument !== 'count1',
): PickleOpcode => ({ name, argument, run, reads });
const reading = (name: string, argument: PickleArgument, run: PickleOpcode['run']) => op(name, argument, run, true);

export const PICKLE_OPCODES: ReadonlyMap<number, PickleOpcode> = new Map([
  [0x28, op('MARK', 0, (machine) => machine.mark())],
  [0x29, op('EMPTY_TUPLE', 0, pushEmpty('tuple'))],
  [0x2e, op('STOP', 0, nothing)],
  [0x30, op('POP', 0, (machine) => machine.popOrMark())],
  [0x31, op('POP_MARK', 0, dropToMark)],
  [0x32, op('DUP', 0, duplicate)],
  [0x42, op('BINBYTES', 'count4', pushUnknown)],
  [0x43, reading('SHORT_BINBYTES', 'count1', (machine, bytes) => machine.pushText(latin1(bytes)))],
  [0x46, op('FLOAT', 'line', pushUnknown)],
  [0x47, op('BINFLOAT', 8, pushUnknown)],
  [0x49, op('INT', 'line', lineNumber)],
  [0x4a, op('BININT', 4, (machine, bytes) => pushNumber(machine, bytes.readInt32LE(0)))],
  [0x4b, op('BININT1', 1, (machine, bytes) => pushNumber(machine, bytes.readUInt8(0)))],
  [0x4c, op('LONG', 'line', lineNumber)],
  [0x4d, op('BININT2', 2, (machine, bytes) => pushNumber(machine, bytes.readUInt16LE(0)))],
  [0x4e, op('NONE', 0, pushNone)],
  [0x50, op('PERSID', 'line', pushUnknown)],
  [0x51, op('BINPERSID', 0, poppedToUnknown)],
  [0x52, op('REDUCE', 0, callWithArguments)],
  [0x53, op('STRING', 'line', (machine, line) => machine.pushText(decodeEscapes(latin1(line))))],
  [0x54, reading('BINSTRING', 'count4', (machine, bytes) => machine.pushText(latin1(bytes)))],
  [0x55, reading('SHORT_BINSTRING', 'count1', (machine, bytes) => machine.pushText(latin1(bytes)))],
  [0x56, op('UNICODE', 'line', (machine, line) => machine.pushText(decodeRawUnicode(latin1(line))))],
  [0x58, reading('BINUNICODE', 'count4', (machine, bytes) => machine.pushText(utf8(bytes)))],
  [0x5d, op('EMPTY_LIST', 0, pushUnknown)],
  [0x61, op('APPEND', 0, popped)],
  [0x62, op('BUILD', 0, (machine) => machine.build())],
  [0x63, op('GLOBAL', 'lines', (machine, module, name) => machine.global('GLOBAL', utf8(module), utf8(name)))],
  [0x64, op('DICT', 0, (machine) => machine.dict(machine.popMark()))],
  [0x65, op('APPENDS', 0, dropToMark)],
  [0x67, op('GET', 'line', (machine, line) => machine.recall(toMemoKey(latin1(line))))],
  [0x68, op('BINGET', 1, (machine, bytes) => machine.recall(bytes.readUInt8(0)))],
  [0x69, op('INST', 'lines', (machine, module, name) => machine.instance(utf8(module), utf8(name)))],
  [0x6a, op('LONG_BINGET', 4, (machine, bytes) => machine.recall(bytes.readUInt32LE(0)))],
  [0x6c, op('LIST', 0, markToUnknown)],
  [0x6f, op('OBJ', 0, callFromMark)],
  [0x70, op('PUT', 'line', (machine, line) => machine.remember(toMemoKey(latin1(line))))],
  [0x71, op('BINPUT', 1, (machine, bytes) => machine.remember(bytes.readUInt8(0)))],
  [0x72, op('LONG_BINPUT', 4, (machine, bytes) => machine.remember(bytes.readUInt32LE(0)))],
  [0x73, op('SETITEM', 0, setItem)],
  [0x74, op('TUPLE', 0, (machine) => machine.tuple(machine.popMark()))],
  [0x75, op('SETITEMS', 0, (machine) => machine.setItems(machine.popMark()))],
  [0x7d, op('EMPTY_DICT', 0, pushEmpty('dict'))],
  [0x80, op('PROTO', 1, nothing)],
  [0x81, op('NEWOBJ', 0, callWithArguments)],
  [0x82, op('EXT1', 1, extension)],
  [0x83, op('EXT2', 2, extension)],
  [0x84, op('EXT4', 4, extension)],
  [0x85, op('TUPLE1', 0, tupleOf(1))],
  [0x86, op('TUPLE2', 0, tupleOf(2))],
  [0x87, op('TUPLE3', 0, tupleOf(3))],
  [0x88, op('NEWTRUE', 0, pushUnknown)],
  [0x89, op('NEWFALSE', 0, pushUnknown)],
  [0x8a, reading('LONG1', 'count1', longNumber)],
  [0x8b, op('LONG4', 'count4', pushUnknown)],
  [0x8c, reading('SHORT_BINUNICODE', 'count1', (machine, bytes) => machine.pushText(utf8(bytes)))],
  [0x8d, reading('BINUNICODE8', 'count8', (machine, bytes) => machine.pushText(utf8(bytes)))],
  [0x8e, op('BINBYTES8', 'count8', pushUnknown)],
  [0x8f, op('EMPTY_SET', 0, pushUnknown)],
  [0x90, op('ADDITEMS', 0, dropToMark)],
  [0x91, op('FROZENSET', 0, markToUnknown)],
  [0x92, op('NEWOBJ_EX', 0, callWithKeywords)],
  [0x93, op('STACK_GLOBAL', 0, (machine) => machine.stackGlobal())],
  [0x94, op('MEMOIZE', 0, (machine) => machine.rememberNext())],
  [0x95, op('FRAME', 8, nothing)],
  [0x96, op('BYTEARRAY8', 'count8', pushUnknown)],
  [0x97, op('NEXT_BUFFER', 0, pushUnknown)],
  [0x98, op('READONLY_BUFFER', 0, nothing)],
]);
