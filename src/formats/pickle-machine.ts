/**
 * The pickle machine without its effects: stack, marks and memo with symbolic values, so that what STACK_GLOBAL imports is known
 * as the real machine would know it. Nothing is imported, called or built. Where the real machine stops with an error, this one
 * goes on with unknown values: it may list more, never less. Spec: docs/spec/07-formats.md §5.3.
 */
import { FORMATS_LIMITS } from './limits.ts';
import type { PickleFindings, PickleImport } from './pickle-report.ts';
import { type PickleValue, text, UNKNOWN } from './pickle-values.ts';
import { judgeImport } from './pickle-verdict.ts';

/** Thrown when a bound is reached; the rest is not listed. */
export class PickleBound extends Error {}

export class PickleMachine {
  readonly #findings: PickleFindings;
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #memo = new Map<number | string, PickleValue>();
  #keptChars = 0;

  constructor(findings: PickleFindings) {
    this.#findings = findings;
  }

  get top(): PickleValue {
    return this.#stack.at(-1) ?? UNKNOWN;
  }

  push(value: PickleValue): void {
    if (this.#stack.length >= FORMATS_LIMITS.pickleStack)
      throw new PickleBound(`a stack of more than ${FORMATS_LIMITS.pickleStack} values`);
    this.#stack.push(value);
  }

  /** A text that may become a name; longer ones cannot be one that matters, and are told as such when used. */
  pushText(value: string): void {
    if (value.length > FORMATS_LIMITS.pickleNameChars) {
      this.push(UNKNOWN);
      return;
    }
    this.#keptChars += value.length;
    if (this.#keptChars > FORMATS_LIMITS.pickleTextChars)
      throw new PickleBound(`more than ${FORMATS_LIMITS.pickleTextChars} characters of names`);
    this.push(text(value));
  }

  pop(): PickleValue {
    if (this.#stack.length > (this.#marks.at(-1) ?? 0)) return this.#stack.pop() ?? UNKNOWN;
    this.#findings.fault('takes more from its stack than is on it');
    return UNKNOWN;
  }

  /** POP takes a mark where one is on top. */
  popOrMark(): void {
    if (this.#marks.at(-1) === this.#stack.length && this.#marks.length > 0) this.#marks.pop();
    else this.pop();
  }

  mark(): void {
    if (this.#marks.length >= FORMATS_LIMITS.pickleStack)
      throw new PickleBound(`more than ${FORMATS_LIMITS.pickleStack} marks`);
    this.#marks.push(this.#stack.length);
  }

  /** What is above the last mark, taken off with it. */
  popMark(): PickleValue[] {
    const from = this.#marks.pop();
    if (from === undefined) this.#findings.fault('uses a mark that is not there');
    return this.#stack.splice(from ?? 0);
  }

  remember(key: number | string): void {
    if (this.#memo.size >= FORMATS_LIMITS.pickleMemo && !this.#memo.has(key))
      throw new PickleBound(`a memo of more than ${FORMATS_LIMITS.pickleMemo} values`);
    this.#memo.set(key, this.top);
  }

  /** MEMOIZE counts the entries, however they came in. */
  rememberNext(): void {
    this.remember(this.#memo.size);
  }

  recall(key: number | string): void {
    const value = this.#memo.get(key);
    if (value === undefined) this.#findings.fault('recalls what it never remembered');
    this.push(value ?? UNKNOWN);
  }

  tuple(items: readonly PickleValue[]): void {
    this.push(items.length <= FORMATS_LIMITS.pickleTupleItems ? { kind: 'tuple', items } : UNKNOWN);
  }

  dict(items: readonly PickleValue[]): void {
    this.push({ kind: 'dict', fields: new Map() });
    this.setItems(items);
  }

  /** Pairs into the dict on top; a few with text keys are kept, which is what an array wrapper's state is made of. */
  setItems(items: readonly PickleValue[]): void {
    const target = this.top;
    if (target.kind !== 'dict') return;
    for (let index = 0; index + 1 < items.length; index += 2) {
      const key = items[index];
      if (key?.kind !== 'text' || target.fields.size >= FORMATS_LIMITS.pickleDictFields) continue;
      target.fields.set(key.text, items[index + 1] ?? UNKNOWN);
    }
  }

  global(by: PickleImport['by'], module: string, name: string): void {
    this.push({ kind: 'global', import: this.#import(by, module, name) });
  }

  /** STACK_GLOBAL: both names come from the stack. */
  stackGlobal(): void {
    const name = this.pop();
    const module = this.pop();
    this.global('STACK_GLOBAL', nameIn(module), nameIn(name));
  }

  /** An object of a class that the opcode itself names. */
  instance(module: string, name: string): void {
    const args = this.popMark();
    this.#made({ kind: 'global', import: this.#import('INST', module, name) }, { kind: 'tuple', items: args });
  }

  /** REDUCE, NEWOBJ, OBJ. */
  call(callable: PickleValue, args: PickleValue): void {
    this.#made(callable, args);
  }

  /** BUILD: may call `__setstate__`, and sets attributes. */
  build(): void {
    const state = this.pop();
    const target = this.top;
    if (target.kind === 'global') target.import.called = true;
    if (target.kind === 'made') target.state = state;
  }

  #made(callable: PickleValue, args: PickleValue): void {
    if (callable.kind !== 'global') {
      if (callable.kind !== 'made') this.#findings.fault('calls what cannot be told from the file');
      this.push(UNKNOWN);
      return;
    }
    callable.import.called = true;
    this.push({ kind: 'made', by: classOf(callable.import, args), args, state: undefined });
  }

  #import(by: PickleImport['by'], wholeModule: string, wholeName: string): PickleImport {
    const module = wholeModule.slice(0, FORMATS_LIMITS.pickleNameChars);
    const name = wholeName.slice(0, FORMATS_LIMITS.pickleNameChars);
    return this.#findings.add({ module, name, by, called: false, verdict: judgeImport(module, name) });
  }
}

/** `copyreg._reconstructor(cls, …)` makes a `cls`. */
function classOf(callable: PickleImport, args: PickleValue): PickleImport {
  if (callable.name !== '_reconstructor' || args.kind !== 'tuple') return callable;
  const [first] = args.items;
  return first?.kind === 'global' ? first.import : callable;
}

function nameIn(value: PickleValue): string {
  return value.kind === 'text' ? value.text : '?';
}
