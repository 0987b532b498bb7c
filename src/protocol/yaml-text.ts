/**
 * YAML (and JSON, which is YAML too) that people and strangers write: read as plain data, with the line of everything in it.
 * Anchors and aliases (which make bombs), tags (which make objects), keys that come twice and several documents are refused, and
 * the size is looked at before anything else. Spec: docs/spec/16-manifests.md §2.
 */
import {
  type Document,
  isMap,
  isPair,
  isScalar,
  LineCounter,
  type Node,
  parseAllDocuments,
  visit,
  type YAMLMap,
} from 'yaml';
import { ProtocolError } from './errors.ts';
import { isDeeper } from './json-shape.ts';
import { PROTOCOL_LIMITS } from './limits.ts';

export interface YamlProblem {
  /** From 1. */
  readonly line: number;
  readonly column: number;
  /** `deployment.roles.0`; empty for the whole. */
  readonly path: string;
  readonly message: string;
}

export interface YamlText {
  readonly value: unknown;
  /** Where that field stands; of a field that is not there, where it is missing. */
  readonly placeOf: (path: readonly PropertyKey[]) => { readonly line: number; readonly column: number };
}

export interface YamlReading {
  /** For messages: `a manifest`. */
  readonly what: string;
  readonly maxBytes: number;
  /** Whether a number is text, as it is written: `version: 1.10` is no decimal. Asked with its keys, without places in lists. */
  readonly isText: (keys: readonly string[]) => boolean;
  /** Lists and mappings in each other; those of a manifest, unless said. */
  readonly maxDepth?: number;
}

/** Throws ProtocolError `bad_document`, with `data.problems`. */
export function parseYamlText(text: string, reading: YamlReading): YamlText {
  const bytes = Buffer.byteLength(text);
  const { what, maxBytes } = reading;
  if (bytes > maxBytes)
    throw documentError(what, [{ ...START, path: '', message: `it has ${bytes} bytes, wanted at most ${maxBytes}` }]);
  const control = CONTROL.exec(text);
  if (control !== null)
    throw documentError(what, [{ ...placeIn(text, control.index), path: '', message: notText(control[0]) }]);
  try {
    return readText(text, reading);
  } catch (thrown) {
    // The parser goes as deep as the text does.
    if (!(thrown instanceof RangeError)) throw thrown;
    throw documentError(what, [{ ...START, path: '', message: tooDeep(reading) }]);
  }
}

/** The first problem in words, all as data. */
export function documentError(what: string, problems: readonly YamlProblem[]): ProtocolError {
  const told = problems.toSorted((a, b) => a.line - b.line).slice(0, PROTOCOL_LIMITS.documentProblems);
  const [first] = told;
  const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : '';
  const where = first === undefined ? '' : `line ${first.line}${first.path === '' ? '' : `, ${first.path}`}: `;
  return new ProtocolError('bad_document', `Reading ${what}: ${where}${first?.message ?? 'unreadable'}${more}`, {
    data: { problems: told },
  });
}

/** What no text has, and most other files do. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/;

function notText(character: string): string {
  return `a byte ${character.charCodeAt(0)}, wanted text`;
}

function placeIn(text: string, index: number) {
  const before = text.slice(0, index).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

const START = { line: 1, column: 1 };

function tooDeep({ maxDepth = PROTOCOL_LIMITS.manifestDepth }: YamlReading): string {
  return `nested over ${maxDepth} deep`;
}

function readText(text: string, reading: YamlReading): YamlText {
  const { what, isText, maxDepth = PROTOCOL_LIMITS.manifestDepth } = reading;
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, { ...OPTIONS, lineCounter: lines });
  const [document, second] = 'empty' in parsed ? [] : parsed;
  if (document === undefined) throw documentError(what, [{ ...START, path: '', message: 'it is empty' }]);
  const placeAt = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const problems: YamlProblem[] = document.errors.map(({ pos, message }) => ({
    ...placeAt(pos[0]),
    path: '',
    message: firstLineOf(message),
  }));
  if (second !== undefined)
    problems.push({ ...placeAt(second.range[0]), path: '', message: 'a second document begins here, wanted one' });
  problems.push(...faultsOf(document).map(({ offset, message }) => ({ ...placeAt(offset), path: '', message })));
  if (problems.length > 0) throw documentError(what, problems);
  keepText(document, isText);
  const value: unknown = document.toJS({ maxAliasCount: 0 });
  if (isDeeper(value, maxDepth)) throw documentError(what, [{ ...START, path: '', message: tooDeep(reading) }]);
  return { value, placeOf: (path) => placeAt(offsetOf(document, path)) };
}

const OPTIONS = {
  version: '1.2',
  schema: 'core',
  merge: false,
  /** The library compares each key with each; see `twiceIn`. */
  uniqueKeys: false,
  strict: true,
  stringKeys: true,
  prettyErrors: false,
  logLevel: 'silent',
} as const;

interface Fault {
  readonly offset: number;
  readonly message: string;
}

function faultsOf(document: Document.Parsed): Fault[] {
  const faults: Fault[] = [];
  visit(document, {
    Alias: (_key, node) => {
      faults.push({ offset: startOf(node), message: 'aliases (*name) are not taken' });
    },
    Node: (key, node) => {
      const message = faultOf(node, key === 'key');
      if (message !== undefined) faults.push({ offset: startOf(node), message });
      if (isMap(node)) faults.push(...twiceIn(node));
    },
  });
  return faults;
}

function twiceIn({ items }: YAMLMap): Fault[] {
  const known = new Set<unknown>();
  return items.flatMap(({ key }) => {
    const name = isScalar(key) ? key.value : key;
    if (known.has(name)) return [{ offset: startOf(key as Node), message: 'that name stands twice' }];
    known.add(name);
    return [];
  });
}

function faultOf(node: Node, isKey: boolean): string | undefined {
  if ('anchor' in node && node.anchor !== undefined) return 'anchors (&name) are not taken';
  if (node.tag !== undefined) return `tags are not taken, got ${node.tag}`;
  if (!isScalar(node)) return undefined;
  if (isKey && node.value === '__proto__') return 'that name is not taken';
  return typeof node.value === 'number' && !Number.isFinite(node.value) ? 'expected a finite number' : undefined;
}

/** Numbers (and words like `true`) there are the text that was written. */
function keepText(document: Document.Parsed, isText: YamlReading['isText']): void {
  visit(document, {
    Pair: (_key, pair, path) => {
      const { key, value: node } = pair;
      if (!isScalar(key) || !isScalar(node) || node.value === null || typeof node.value === 'string') return;
      if (node.source !== undefined && isText([...keysOf(path), String(key.value)])) node.value = node.source;
    },
  });
}

function keysOf(path: readonly unknown[]): string[] {
  return path.flatMap((one) => (isPair(one) && isScalar(one.key) ? [String(one.key.value)] : []));
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const key = path[length - 1];
    const pair = isMap(parent) ? parent.items.find((item) => isScalar(item.key) && item.key.value === key) : undefined;
    const node = pair?.key ?? document.getIn(path.slice(0, length), true);
    if (node !== null && typeof node === 'object' && 'range' in node) return startOf(node as Node);
  }
  return document.contents === null ? 0 : startOf(document.contents);
}

function startOf(node: { readonly range?: readonly number[] | null | undefined }): number {
  return node.range?.[0] ?? 0;
}

function firstLineOf(message: string): string {
  const line = message.split('\n')[0] ?? message;
  return line.length > PROTOCOL_LIMITS.yamlMessageChars ? `${line.slice(0, PROTOCOL_LIMITS.yamlMessageChars)}…` : line;
}
