/** What `up` may say of this node; `none` takes back what was said before. Spec: docs/spec/17-deployment.md §1.6. Pure. */
import type { NodeFactsConfig } from '../api/index.ts';
import { MiB } from '../core/index.ts';
import { PACKAGE_TIERS, readTier } from '../protocol/index.ts';
import { CliError } from './errors.ts';
import { parseSizeBytes } from './parse-values.ts';

/** null is `none`. */
export interface FactsOptions {
  readonly region?: string | null;
  readonly label?: readonly (readonly [string, string] | null)[];
  readonly interest?: readonly (string | null)[];
  readonly maxModelSize?: number | null;
  readonly maxModels?: number | null;
  readonly memory?: number | null;
  readonly architecture?: string | null;
  readonly tier?: string | null;
}

const NONE = 'none';
const WORD = /^[^\s,=]{1,100}$/;

export function parseRegion(text: string): string | null {
  return text === NONE ? null : wordOf(text, 'a region like eu-west, or none');
}

export function parseInterest(text: string): string | null {
  return text === NONE ? null : wordOf(text, 'a capability like anomaly_detection, or none');
}

export function parseLabel(text: string): readonly [string, string] | null {
  if (text === NONE) return null;
  const at = text.indexOf('=');
  if (at > 0) return [wordOf(text.slice(0, at), LABEL), labelValue(text.slice(at + 1))];
  throw wanted(LABEL);
}

/** Whole MiB, so that a model of just that size still fits. */
export function parseMaxModelSize(text: string): number | null {
  return text === NONE ? null : Math.ceil(parseSizeBytes(text) / MiB);
}

/** Whole MiB. */
export function parseMemory(text: string): number | null {
  return text === NONE ? null : Math.floor(parseSizeBytes(text) / MiB);
}

export function parseArchitecture(text: string): string | null {
  if (text === NONE) return null;
  if (/^[\w-]{1,40}$/.test(text)) return text.toLowerCase();
  throw wanted('an architecture like x86_64 or aarch64, or none');
}

/** `tier_2`, and what people write for it. */
export function parseTier(text: string): string | null {
  if (text === NONE) return null;
  const tier = readTier(text);
  if (tier !== undefined) return tier;
  throw wanted(`${PACKAGE_TIERS.join(', ')} or none`);
}

export function parseMaxModels(text: string): number | null {
  if (text === NONE) return null;
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw wanted('a number of models from 0 to 999999, or none');
}

/** Undefined: nothing was said now. */
export function factsOf(options: FactsOptions): NodeFactsConfig | undefined {
  const {
    region,
    label,
    interest,
    maxModelSize: maxModelSizeMb,
    maxModels,
    memory: memoryMb,
    architecture,
    tier,
  } = options;
  const labels = label === undefined ? undefined : allOrNone(label, (all) => Object.fromEntries(all));
  const interests = interest === undefined ? undefined : allOrNone(interest, (all) => [...new Set(all)]);
  const said = Object.entries({ region, labels, interests, maxModelSizeMb, maxModels, memoryMb, architecture, tier });
  const now = said.filter(([, value]) => value !== undefined);
  return now.length === 0 ? undefined : (Object.fromEntries(now) as NodeFactsConfig);
}

/** `none` beside others would leave open what is meant. */
function allOrNone<Value, All>(values: readonly (Value | null)[], collect: (all: Value[]) => All): All | null {
  const given = values.flatMap((value) => (value === null ? [] : [value]));
  if (given.length === values.length) return collect(given);
  if (given.length === 0) return null;
  throw new CliError('bad_usage', 'Reading the flags: none goes alone, without others of its kind');
}

const LABEL = 'a label like hall=7, or none';

function wordOf(text: string, what: string): string {
  if (WORD.test(text)) return text;
  throw wanted(what);
}

function labelValue(text: string): string {
  if (text.length <= 100) return text;
  throw wanted('a value of at most 100 characters');
}

function wanted(what: string): CliError {
  return new CliError('bad_usage', `Wanted ${what}`);
}
