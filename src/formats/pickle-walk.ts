/**
 * Walks one pickle from a place in a file to its STOP, and never executes anything: opcodes in order through a bounded window,
 * counted bytes that are no names jumped over. What was listed before a fault stays listed, for the real machine would have
 * executed it. Spec: docs/spec/07-formats.md §5.3, §5.4.
 */
import { setImmediate } from 'node:timers/promises';
import { FormatsError } from './errors.ts';
import { HeaderCursor } from './header-cursor.ts';
import type { HeaderSource } from './header-source.ts';
import { joblibArrayAfter } from './joblib-array.ts';
import { FORMATS_LIMITS } from './limits.ts';
import { PickleBound, PickleMachine } from './pickle-machine.ts';
import { PICKLE_OPCODES, type PickleArgument } from './pickle-opcodes.ts';
import type { PickleFindings } from './pickle-report.ts';

export interface PickleEnd {
  /** Behind the STOP, or where the walk had to end. */
  readonly position: number;
  readonly reachedStop: boolean;
  /** A bound ended it: what follows is a part of the same pickle. */
  readonly isBounded: boolean;
}

/** Of all pickles of one file together. */
export interface PickleBudget {
  opcodes: number;
}

const STOP = 0x2e;
const BUILD = 0x62;
const EMPTY = Buffer.alloc(0);
/** An opcode, a length of one byte, and as many bytes as it can say. */
const READY_BYTES = 257;
/** A few milliseconds of work. */
const TURN_OPCODES = 65_536;

/** Faults go into the findings; errors of the disk pass through. */
export async function walkPickle(
  source: HeaderSource,
  position: number,
  findings: PickleFindings,
  budget: PickleBudget,
): Promise<PickleEnd> {
  const walk = new PickleWalk(source, position, findings, budget);
  return await walk.run(0);
}

class PickleWalk {
  readonly #source: HeaderSource;
  readonly #cursor: HeaderCursor;
  readonly #findings: PickleFindings;
  readonly #budget: PickleBudget;
  #machine: PickleMachine;
  #opcodes = 0;
  #restAt = TURN_OPCODES;

  constructor(source: HeaderSource, position: number, findings: PickleFindings, budget: PickleBudget) {
    this.#source = source;
    this.#cursor = new HeaderCursor(source, 'pickle', FORMATS_LIMITS.pickleReadBytes);
    this.#cursor.position = position;
    this.#findings = findings;
    this.#budget = budget;
    this.#machine = new PickleMachine(findings);
  }

  async run(depth: number): Promise<PickleEnd> {
    let code = 0;
    let isBounded = false;
    try {
      while (code !== STOP) {
        code = this.#runReady();
        if (code === STOP) break;
        if (this.#opcodes >= this.#restAt) await this.#rest();
        code = await this.#step(depth);
      }
    } catch (thrown) {
      if (!(thrown instanceof FormatsError || thrown instanceof PickleBound)) throw thrown;
      isBounded = thrown instanceof PickleBound;
      this.#findings.fault(`${isBounded ? 'holds ' : ''}${thrown.message}`);
    }
    return { position: this.#cursor.position, reachedStop: code === STOP, isBounded };
  }

  /** Opcodes whose few bytes are in the window already, without a promise each; the last one, or the next that needs more. */
  #runReady(): number {
    const cursor = this.#cursor;
    while (cursor.has(READY_BYTES) && this.#opcodes < this.#restAt) {
      const code = cursor.u8();
      const opcode = PICKLE_OPCODES.get(code);
      if (opcode === undefined || code === BUILD || !isShort(opcode.argument)) {
        cursor.position -= 1;
        return 0;
      }
      this.#count();
      const { argument } = opcode;
      const length = typeof argument === 'number' ? argument : cursor.u8();
      opcode.run(this.#machine, length === 0 ? EMPTY : cursor.bytes(length), EMPTY);
      if (code === STOP) return STOP;
    }
    return 0;
  }

  /** Lets others have their turn: a pickle that was unpacked is read without waiting for anything. */
  async #rest(): Promise<void> {
    this.#restAt = this.#opcodes + TURN_OPCODES;
    await setImmediate();
  }

  #count(): void {
    this.#opcodes += 1;
    this.#budget.opcodes -= 1;
    if (this.#budget.opcodes < 0) throw new PickleBound(`more than ${FORMATS_LIMITS.pickleOpcodes} opcodes`);
  }

  async #step(depth: number): Promise<number> {
    const cursor = this.#cursor;
    await this.#need(1);
    const code = cursor.u8();
    const opcode = PICKLE_OPCODES.get(code);
    if (opcode === undefined) {
      cursor.position -= 1;
      throw cursor.fail('bad_header', `0x${code.toString(16).padStart(2, '0')} is no opcode`);
    }
    this.#count();
    const first = await this.#argument(opcode.argument, opcode.reads === true);
    const second = opcode.argument === 'lines' ? await this.#line() : EMPTY;
    opcode.run(this.#machine, first, second);
    if (code === BUILD) await this.#stepOverArray(depth);
    return code;
  }

  async #argument(argument: PickleArgument, reads: boolean): Promise<Buffer> {
    if (argument === 0) return EMPTY;
    if (argument === 'line') return await this.#line();
    // The first line is copied: reading the second may move the window.
    if (argument === 'lines') return Buffer.from(await this.#line());
    if (typeof argument === 'number') return await this.#bytes(argument);
    return await this.#counted(Number(argument.at(-1)), reads);
  }

  /** A huge length is compared with what is left, never allocated. */
  async #counted(lengthBytes: number, reads: boolean): Promise<Buffer> {
    await this.#need(lengthBytes);
    const cursor = this.#cursor;
    const length =
      lengthBytes === 8 ? cursor.count('a length') : lengthBytes === 4 ? cursor.u32() : cursor.bytes(1).readUInt8(0);
    if (reads && length <= FORMATS_LIMITS.pickleNameBytes) return await this.#bytes(length);
    cursor.skip(length);
    // Too long for a name: longer than what is kept, so that the machine takes it for unknown.
    return reads ? TOO_LONG : EMPTY;
  }

  async #bytes(count: number): Promise<Buffer> {
    await this.#need(count);
    return this.#cursor.bytes(count);
  }

  async #need(count: number): Promise<void> {
    if (!this.#cursor.has(count)) await this.#cursor.need(count);
  }

  /** Up to the next newline, which is not part of it; the end of the file ends a line too, as it does for Python. */
  async #line(): Promise<Buffer> {
    const cursor = this.#cursor;
    const start = cursor.position;
    for (let wanted = 64; ; wanted *= 4) {
      const count = Math.min(wanted, FORMATS_LIMITS.pickleLineBytes, cursor.remaining);
      await this.#need(count);
      const bytes = cursor.bytes(count);
      const end = bytes.indexOf(0x0a);
      cursor.position = end < 0 ? start : start + end + 1;
      if (end >= 0) return bytes.subarray(0, end);
      if (count < wanted && count > 0) return this.#lastLine(start, count);
      if (count < wanted) throw cursor.truncated(1);
    }
  }

  #lastLine(start: number, count: number): Buffer {
    const cursor = this.#cursor;
    if (count === FORMATS_LIMITS.pickleLineBytes) throw cursor.fail('bad_header', `a line of more than ${count} bytes`);
    cursor.position = start;
    return cursor.bytes(count);
  }

  /** After BUILD, joblib's reader takes an array's bytes from the file. */
  async #stepOverArray(depth: number): Promise<void> {
    const array = joblibArrayAfter(this.#machine.top);
    if (array === undefined) return;
    if (typeof array === 'string') throw this.#cursor.fail('bad_header', array);
    if (array.isPadded) {
      await this.#need(1);
      this.#cursor.skip(this.#cursor.u8());
    }
    if (array.sizeBytes !== undefined) this.#cursor.skip(array.sizeBytes);
    else await this.#innerPickle(depth + 1);
  }

  /** An array of objects: a whole pickle with a stack and memo of its own, then on with the outer one. */
  async #innerPickle(depth: number): Promise<void> {
    if (depth > FORMATS_LIMITS.pickleDepth)
      throw new PickleBound(`pickles nested more than ${FORMATS_LIMITS.pickleDepth} deep`);
    const inner = new PickleWalk(this.#source, this.#cursor.position, this.#findings, this.#budget);
    const end = await inner.run(depth);
    if (!end.reachedStop) throw this.#cursor.fail('bad_header', 'a pickle within this one does not end');
    this.#findings.pickles += 1;
    this.#cursor.position = end.position;
  }
}

function isShort(argument: PickleArgument): boolean {
  return typeof argument === 'number' || argument === 'count1';
}

const TOO_LONG = Buffer.alloc(FORMATS_LIMITS.pickleNameChars + 1, 0x2e);
