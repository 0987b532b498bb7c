/**
 * What the symbolic machine knows of a value on a pickle's stack: texts, whole numbers, tuples, dicts with text keys, classes,
 * and what was made of them. Everything else is `UNKNOWN`. No value of ours ever becomes a real object.
 * Spec: docs/spec/07-formats.md §5.3.
 */
import type { PickleImport } from './pickle-report.ts';

export type PickleValue =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'none' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'tuple'; readonly items: readonly PickleValue[] }
  | { readonly kind: 'dict'; readonly fields: Map<string, PickleValue> }
  | { readonly kind: 'global'; readonly import: PickleImport }
  | MadeValue;

/** What a call gave: of which class, from which arguments, and the state that BUILD gave it. */
export interface MadeValue {
  readonly kind: 'made';
  readonly by: PickleImport;
  readonly args: PickleValue;
  state: PickleValue | undefined;
}

export const UNKNOWN: PickleValue = { kind: 'unknown' };
export const NONE: PickleValue = { kind: 'none' };

export function text(value: string): PickleValue {
  return { kind: 'text', text: value };
}

export function int(value: number): PickleValue {
  return { kind: 'int', value };
}
