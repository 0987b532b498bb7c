/** What a probe's process is asked, by one JSON document, and answers, by one line. Spec: docs/spec/17-deployment.md §5.2. */
import { RuntimeError, type RuntimeErrorCode } from '../errors.ts';
import type { Golden } from '../golden.ts';
import { toWords } from '../words.ts';

export type ProbeTask =
  /** Which execution providers load? */
  | { readonly type: 'look'; readonly package: string; readonly only?: readonly string[] }
  | {
      readonly type: 'infer';
      readonly package: string;
      readonly path: string;
      readonly providers: readonly string[];
      readonly golden?: Golden | undefined;
    };

export interface Looked {
  readonly type: 'looked';
  readonly version: string;
  readonly providers: readonly string[];
}

export interface Inferred {
  readonly type: 'inferred';
  readonly version: string;
  readonly provider: string;
  readonly loadMs: number;
  readonly inferMs: number;
  readonly peakBytes: number;
}

/** `no_runtime`: the package is not there or does not load. */
const REFUSALS = ['no_runtime', 'probe_failed', 'wrong_answer', 'bad_golden'] as const;

export interface Refused {
  readonly type: 'refused';
  readonly code: (typeof REFUSALS)[number];
  readonly message: string;
  readonly phase?: 'load' | 'run';
}

export type ProbeAnswer = Looked | Inferred | Refused;

/** The line came from a process that a model may have taken over: every field is checked. Throws RuntimeError `probe_crashed`. */
export function parseAnswer(line: string): ProbeAnswer {
  const value = parseObject(line);
  switch (value.type) {
    case 'looked':
      return { type: 'looked', version: text(value.version), providers: texts(value.providers) };
    case 'inferred':
      return {
        type: 'inferred',
        version: text(value.version),
        provider: text(value.provider),
        loadMs: count(value.loadMs),
        inferMs: count(value.inferMs),
        peakBytes: count(value.peakBytes),
      };
    case 'refused':
      return {
        type: 'refused',
        code: REFUSALS.find((code) => code === value.code) ?? 'probe_failed',
        message: toWords(text(value.message)),
        ...(value.phase === 'load' || value.phase === 'run' ? { phase: value.phase } : {}),
      };
    default:
      throw notAnAnswer();
  }
}

/** A refusal as the error that a caller sees. */
export function toRuntimeError(action: string, { code, message, phase }: Refused): RuntimeError {
  const known: RuntimeErrorCode = code === 'no_runtime' ? 'probe_not_started' : code;
  return new RuntimeError(known, `${action}: ${message}`, { data: { phase } });
}

function parseObject(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
  } catch {
    // said below
  }
  throw notAnAnswer();
}

function text(value: unknown): string {
  if (typeof value === 'string') return value;
  throw notAnAnswer();
}

function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.map((one) => toWords(text(one)));
  throw notAnAnswer();
}

function count(value: unknown): number {
  if (typeof value === 'number' && value >= 0 && Number.isFinite(value)) return value;
  throw notAnAnswer();
}

function notAnAnswer(): RuntimeError {
  return new RuntimeError('probe_crashed', 'Trying the model: its process answered with something else than an answer');
}
